from study.show.figures import drawings

DRAWINGS = drawings(dag.plan)


# Seconds each: as a cluster's jobs they would wait far longer than they run.
# Where the login node allows no work at all, Snakemake itself is a job there, and these run in it.
localrules:
    collect,
    report,


rule collect:
    input:
        plan=dag.file("plan.json"),
        expected=dag.file("records.json"),
        jobs=dag.to_do,
        timing=dag.to_time,
    output:
        runs=dag.file("runs.parquet"),
        curves=dag.file("curves.parquet"),
        timing=dag.file("timing.parquet"),
        tuning=dag.file("tuning.parquet"),
        summary=dag.file("summary.parquet"),
        claims=dag.file("claims.parquet"),
        observations=dag.file("observations.parquet"),
    log:
        str(dag.store.log("collect", dag.plan.study)),
    message:
        "collect the runs"
    shell:
        "evenhand collect {input.plan:q} > {log:q} 2>&1"


# What shows what it showed before stays as it is, so nothing is deleted before this begins (`update`).
rule report:
    input:
        plan=dag.file("plan.json"),
        records=rules.collect.output,
    output:
        drawings=[
            update(
                report(
                    dag.file(one.files[0]),
                    caption=f"../report/{one.shelf[0].lower()}.rst",
                    category=one.shelf[0],
                    labels=one.shelf[1],
                )
            )
            for one in DRAWINGS
        ],
        more=[update(dag.file(file)) for one in DRAWINGS for file in one.files[1:]],
        page=update(
            report(
                dag.file("report.html"),
                caption="../report/report.rst",
                category="Report",
                labels={"page": "the whole study"},
            )
        ),
    log:
        str(dag.store.log("report", dag.plan.study)),
    # Figures are drawn side by side.
    threads: len(DRAWINGS)
    message:
        "report"
    shell:
        "evenhand report {input.plan:q} --processes {threads} > {log:q} 2>&1"
