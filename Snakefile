"""Evenhand: from a study file to a report. Start with README.md."""

snakemake.utils.min_version("9.27")


report: "workflow/report/study.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/tune.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/time.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        dag.file("report.html"),
        # Named here too: Snakemake does not make a missing intermediate file again while the report is newer.
        dag.to_train,
        dag.to_time,


onstart:
    if workflow.is_main_process:
        history.state(dag.plan, dag.store)
        print(told.start(dag, workflow.executor_plugin.name, log), file=sys.stderr)


onsuccess:
    if workflow.is_main_process:
        print(*told.end(dag), sep="\n", file=sys.stderr)


onerror:
    # What there is, is shown; the exit status stays 1.
    if workflow.is_main_process:
        shell("python -m study draw {plan:q} || true", plan=dag.file("plan.json"))
        print(*told.end(dag), sep="\n", file=sys.stderr)
