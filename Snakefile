"""Evenhand: from a study file to a report. Start with README.md."""

snakemake.utils.min_version("9.27")


report: "workflow/report/study.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/jobs.smk"
include: "workflow/rules/time.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        dag.file("report.html"),
        # Named here too: Snakemake does not make a missing intermediate file again while the report is newer.
        rules.collect.output,
        dag.to_do,
        dag.to_time,


onstart:
    if is_main:
        history.state(dag.plan, dag.store)
        print(
            messages.start(
                dag, executor(), [os.path.join(place, each) for each in log]
            ),
            file=sys.stderr,
        )


onsuccess:
    if is_main:
        print(*messages.end(dag, place), sep="\n", file=sys.stderr)
        # Whatever Snakemake made of it: a call that ends with 0 has made, or found, everything.
        if wants_all() and not dag.is_done:
            sys.exit(1)


onerror:
    # What there is, is shown; the exit status stays 1.
    if is_main:
        if messages.is_something_to_draw(dag):
            print(
                "Drawing the report from the records that are there.",
                file=sys.stderr,
            )
            shell(
                "evenhand draw {plan:q} > /dev/null || true",
                plan=dag.file("plan.json"),
            )
        # The last words, after Snakemake's own.
        atexit.register(print, *messages.end(dag, place), sep="\n", file=sys.stderr)
