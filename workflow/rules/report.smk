from study.show.figures import drawings


# Seconds on one core each, and two for every comparison: as a cluster's jobs they would wait far longer than they run.
# Where the login node allows no work at all, Snakemake itself is a job there, and these run in it.
localrules:
    collect,
    table,
    figure,
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


rule table:
    input:
        plan=dag.file("plan.json"),
        summary=rules.collect.output.summary,
        timing=rules.collect.output.timing,
    output:
        csv=report(
            dag.file("tables/{comparison}.csv"),
            caption="../report/table.rst",
            category="Tables",
            labels={"comparison": "{comparison}"},
        ),
        md=dag.file("tables/{comparison}.md"),
        tex=dag.file("tables/{comparison}.tex"),
    log:
        str(dag.store.log("table", f"{dag.plan.study}-{{comparison}}")),
    message:
        "table {wildcards.comparison}"
    shell:
        "evenhand table {input.plan:q} {wildcards.comparison} > {log:q} 2>&1"


rule figure:
    input:
        plan=dag.file("plan.json"),
        records=rules.collect.output,
    output:
        svg=report(
            dag.file("figures/{figure}/{comparison}.svg"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"comparison": "{comparison}", "figure": "{figure}"},
        ),
        png=dag.file("figures/{figure}/{comparison}.png"),
        pdf=dag.file("figures/{figure}/{comparison}.pdf"),
    log:
        str(dag.store.log("figure", f"{dag.plan.study}-{{figure}}-{{comparison}}")),
    message:
        "figure {wildcards.figure} of {wildcards.comparison}"
    shell:
        "evenhand figure {input.plan:q} {wildcards.figure} {wildcards.comparison} > {log:q} 2>&1"


rule report:
    input:
        plan=dag.file("plan.json"),
        records=rules.collect.output,
        tables=[dag.file(f"tables/{one.name}.md") for one in dag.plan.comparisons],
        figures=[
            dag.file(f"figures/{name}/{of}.svg") for name, of in drawings(dag.plan)
        ],
    output:
        report(
            dag.file("report.html"),
            caption="../report/report.rst",
            category="Report",
            labels={"page": "the whole study"},
        ),
    log:
        str(dag.store.log("report", dag.plan.study)),
    message:
        "report"
    shell:
        "evenhand report {input.plan:q} > {log:q} 2>&1"
