"""Evenhand: from a study file to a report. Start with README.md."""

snakemake.utils.min_version("9.27")


report: "workflow/report/study.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/jobs.smk"
include: "workflow/rules/time.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/ends.smk"


rule all:
    default_target: True
    input:
        dag.file("report.html"),
        # Named here too: Snakemake does not make a missing intermediate file again while the report is newer.
        rules.collect.output,
        dag.to_do,
        dag.to_time,
