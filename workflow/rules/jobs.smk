rule job:
    input:
        ancient(lambda wildcards: dag.datasets(wildcards.job)),
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
        "evenhand job {params.job:q} --tell 3 3>&2 > {log:q} 2>&1"
