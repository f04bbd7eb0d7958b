rule train:
    input:
        ancient(lambda wildcards: dag.dataset(wildcards.arm)),
        ancient(lambda wildcards: dag.tuning(wildcards.arm)),
    output:
        runs=f"{dag.store.root}/arms/{{arm}}/runs-{{block}}.parquet",
        curves=f"{dag.store.root}/arms/{{arm}}/curves-{{block}}.parquet",
    log:
        str(dag.store.log("train", "{arm}-{block}")),
    # A device is a GPU or, without GPUs, a CPU thread.
    threads: lambda wildcards: dag.gpus(wildcards.arm)
    resources:
        gpu=lambda wildcards: dag.gpus(wildcards.arm),
    params:
        results=str(dag.store.root),
    message:
        "train {wildcards.arm}, seeds {wildcards.block}"
    shell:
        "python -m study train {params.results:q} {wildcards.arm} {wildcards.block} > {log:q} 2>&1"
