rule tune:
    input:
        dataset=ancient(lambda wildcards: dag.dataset(wildcards.arm)),
        trials=ancient(lambda wildcards: dag.trials(wildcards.arm)),
    output:
        f"{dag.store.root}/arms/{{arm}}/tuning.parquet",
    log:
        str(dag.store.log("tune", "{arm}")),
    resources:
        gpu=1,
    params:
        results=str(dag.store.root),
    message:
        "tune {wildcards.arm}"
    shell:
        "python -m study tune {params.results:q} {wildcards.arm} {input.trials:q} > {log:q} 2>&1"
