# Alone on the machine: all cores and the whole gpu limit.
rule time:
    input:
        ancient(dag.timed_datasets),
        ancient(dag.timed_tunings),
    output:
        f"{dag.store.root}/timing/{{timing}}.parquet",
    log:
        str(dag.store.log("time", "{timing}")),
    # First, while the machine is as quiet as it was.
    priority: 1
    threads: workflow.cores or 1
    resources:
        gpu=workflow.global_resources.get("gpu").value or 1,
    params:
        plan=dag.file("plan.json"),
    message:
        "time the arms, alone on the machine"
    shell:
        "python -m study time {params.plan:q} > {log:q} 2>&1"
