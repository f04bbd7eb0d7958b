# Alone on the machine: all cores and the whole gpu limit. On SLURM its profile asks for a node that no job shares.
rule time:
    input:
        dag.datasets_of(dag.plan.timed),
        dag.timed_searches,
    output:
        str(dag.store.timing("{timing}")),
    log:
        str(dag.store.log("time", "{timing}")),
    # First, while the machine is as quiet as it was.
    priority: 1
    threads: dag.timing_threads
    resources:
        gpu=dag.timing_gpus,
    params:
        plan=dag.file("plan.json"),
    message:
        "time the arms, alone on the machine"
    shell:
        "evenhand time {params.plan:q} > {log:q} 2>&1"
