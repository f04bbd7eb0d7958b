rule data:
    output:
        str(dag.store.dataset("{dataset}")),
    params:
        plan=dag.file("plan.json"),
    log:
        str(dag.store.log("data", "{dataset}")),
    message:
        "prepare dataset {wildcards.dataset}"
    shell:
        "python -m study data {params.plan} {wildcards.dataset} > {log} 2>&1"
