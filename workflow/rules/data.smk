# Seconds on one core, before anything else can start: not worth a place in a cluster's queue.
localrules:
    data,


rule data:
    output:
        str(dag.store.dataset("{dataset}")),
    log:
        str(dag.store.log("data", "{dataset}")),
    params:
        plan=dag.file("plan.json"),
    message:
        "prepare dataset {wildcards.dataset}"
    shell:
        "evenhand data {params.plan:q} {wildcards.dataset} > {log:q} 2>&1"
