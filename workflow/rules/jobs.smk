# What a study brings along of its own is tried on one batch before any job starts.
localrules:
    dry,


rule dry:
    input:
        dag.datasets_of(dag.plan.own),
    output:
        str(dag.store.dry("{dry}")),
    log:
        str(dag.store.log("dry", "{dry}")),
    params:
        plan=dag.file("plan.json"),
    message:
        "try the code of one's own on one batch"
    shell:
        "evenhand dry {params.plan:q} > {log:q} 2>&1"


rule job:
    input:
        lambda wildcards: dag.datasets(wildcards.job),
        lambda wildcards: dag.dry(wildcards.job),
    # The receipt alone: what a job makes stays when another part of it fails, and is found again by the next plan.
    output:
        str(dag.store.receipt("{job}")),
    log:
        str(dag.store.log("job", "{job}")),
    # A device is a GPU or, without GPUs, a CPU thread.
    threads: lambda wildcards: dag.job(wildcards.job).gpus
    resources:
        gpu=lambda wildcards: dag.job(wildcards.job).gpus,
    params:
        job=str(dag.store.job("{job}")),
    message:
        "job {wildcards.job}"
    shell:
        # How far it is, is told beside the log: to whoever looks at Snakemake.
        "evenhand job {params.job:q} --tell 3 3>&2 >> {log:q} 2>&1"
