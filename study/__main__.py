"""The verbs: ``evenhand VERB``, or ``python -m study VERB``. The rules of the workflow call these, and so can you."""

from __future__ import annotations

import argparse
import os
import sys

from study.errors import Refused

ARGUMENTS = {
    "file": "a study file, such as config/article.yaml",
    "plan": "results/studies/STUDY/plan.json, which a run of snakemake writes",
    "dataset": "id of a dataset of the plan: 12 hex digits",
    "job": "results/jobs/JOB.json, which a run of snakemake writes",
    "comparison": "name of a comparison of the study",
    "name": "which of its figures: results, tuning, datasets",
}


def main(argv: list[str] | None = None) -> int:
    """Run one verb. Returns 0 done, 1 something failed while running, 2 the input was refused."""
    parser = argparse.ArgumentParser(prog="evenhand", description="Evenhand: fair studies of optimization.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, text: str, *arguments: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        for argument in arguments:
            sub.add_argument(argument, help=ARGUMENTS[argument])
        return sub

    check = verb("check", "validate a study file; say what it would train and how much of it is there", "file")
    check.add_argument("--results", default="results", help="the store to look for finished runs in")
    check.add_argument("--no-time", action="store_true", help="do not estimate the time, which takes a few seconds")
    check.add_argument("--gpu", type=int, metavar="N", help="estimate it for snakemake --resources gpu=N")
    schema = verb("schema", "print the JSON Schema of study files, for editors")
    fix = "write it to config/study.schema.json, and the tables of config/README.md"
    schema.add_argument("--fix", action="store_true", help=fix)
    verb("data", "prepare one dataset of a planned study (called by rule data)", "plan", "dataset")
    verb("job", "make what is missing: searches, and seeds of arms (called by rule job)", "job")
    verb("time", "time the arms of a study, alone on the machine (called by rule time)", "plan")
    verb("collect", "gather all runs of a study and summarize them (called by rule collect)", "plan")
    claims = verb("claims", "print the verdict on every claim of a study", "file")
    claims.add_argument("--results", default="results", help="the store that its results are in")
    verdicts = ("supported", "refuted", "undecided")
    claims.add_argument(
        "--require", choices=verdicts, help="exit 1 unless every claim has this verdict, at a declared look"
    )
    suggest = verb(
        "suggest", "say what would decide the undecided claims: which arms, how many seeds, at what cost", "file"
    )
    suggest.add_argument("--results", default="results", help="the store that its results are in")
    verb("table", "write the tables of one comparison (called by rule table)", "plan", "comparison")
    verb("figure", "draw one figure of a comparison (called by rule figure)", "plan", "name", "comparison")
    verb("report", "write report.html of a study (called by rule report)", "plan")
    verb("draw", "collect, tables, figures and report in one go, from the records that are there", "plan")
    arguments = parser.parse_args(argv)
    try:
        status = int(getattr(verbs_module(arguments.verb), arguments.verb)(arguments) or 0)
        sys.stdout.flush()
        return status
    except Refused as refusal:
        print(*refusal.lines, sep="\n", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `… | head` has read enough; Python would complain once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def verbs_module(name: str) -> object:
    """The module of a verb, imported only when it is called: checking a study loads neither torch nor pandas."""
    if name == "schema":
        from study.plan.check import verbs as planning

        return planning
    if name in ("check", "data", "job", "time"):
        from study.run import verbs as running

        return running
    from study.show import verbs as showing

    return showing


if __name__ == "__main__":
    sys.exit(main())
