"""Evenhand: from a study file to a report. Start with README.md."""

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/time.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        dag.file("report.html"),
