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
        "python -m study data {params.plan} {wildcards.dataset} > {log} 2>&1"
