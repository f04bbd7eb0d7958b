"""The verbs: ``evenhand VERB``, or ``python -m study VERB``. The rules of the workflow call these, and so can you."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from study.errors import Damaged, Refused
from study.stats.exact import WORDS
from study.store.disk import FULL, DiskFull

ARGUMENTS = {
    "folder": "what to call it",
    "file": "a study file, such as config/article.yaml",
    "plan": "results/studies/STUDY/plan.json, which `evenhand run` writes",
    "dataset": "id of a dataset of the plan: 12 hex digits",
    "job": "results/jobs/JOB.json, which `evenhand run` writes",
    "arm": "id of an arm (or how it begins), or its label, as in 'adam' or 'optimizers, adam'",
}


def parser() -> argparse.ArgumentParser:
    """All verbs, with ``home``: the module that has the function of that name."""
    whole = argparse.ArgumentParser(prog="evenhand", description="Evenhand: fair studies of optimization.")
    verbs = whole.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(home: str, name: str, text: str, *arguments: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        sub.set_defaults(home=f"study.{home}.verbs")
        for argument in arguments:
            sub.add_argument(argument, help=ARGUMENTS[argument])
        return sub

    verb("project", "new", "write a project of your own: a study, code, data, a profile", "folder")
    text = "run a study to its report: snakemake, with the installed workflow"
    run = verb("project", "run", text, "file")
    run.add_argument(
        "options", nargs=argparse.REMAINDER, help="options of snakemake; --cores all, if none says how many"
    )
    check = verb("run", "check", "validate a study file; say what it would train and how much of it is there", "file")
    check.add_argument("--no-time", action="store_true", help="do not estimate the time, which takes a few seconds")
    dry = "try what is of one's own (networks, optimizers, …) on one batch, as snakemake does before any job"
    check.add_argument("--dry", action="store_true", help=dry)
    check.add_argument("--gpu", type=int, metavar="N", help="estimate it for snakemake --resources gpu=N")
    schema = verb("plan.check", "schema", "print the JSON Schema of study files, for editors")
    fix = "write it to config/study.schema.json, and the tables of config/README.md"
    schema.add_argument("--fix", action="store_true", help=fix)
    verb("run", "data", "prepare one dataset of a planned study (called by rule data)", "plan", "dataset")
    verb("run", "dry", "try code of one's own on one batch, before any job (called by rule dry)", "plan")
    job = verb("run", "job", "make what is missing: searches, and seeds of arms (called by rule job)", "job")
    job.add_argument("--tell", type=int, metavar="N", help="say how far it is to this file descriptor too")
    verb("run", "time", "time the arms of a study, alone on the machine (called by rule time)", "plan")
    verb("show", "collect", "gather all runs of a study and summarize them (called by rule collect)", "plan")
    text = "say how far a study is that runs: again and again until all of it is there, or Ctrl-C"
    watch = verb("watch", "watch", text, "file")
    watch.add_argument(
        "--every", type=float, default=5.0, metavar="SECONDS", help="between looks; 5 if nothing is said"
    )
    watch.add_argument("--once", action="store_true", help="look once")
    claims = verb("show.claims", "claims", "print the verdict on every claim of a study", "file")
    required = "exit 1 unless every claim, of all families, has this verdict, at a declared look"
    claims.add_argument("--require", choices=WORDS, help=required)
    text = "say what would decide the undecided claims: which arms, how many seeds, at what cost"
    suggest = verb("show.claims", "suggest", text, "file")
    arm = verb("exchange", "show", "print an arm's recipe, its files, and where and with what they were made", "arm")
    arm.add_argument("file", nargs="?", help="a study file whose labels are meant; else those of all in the store")
    why = verb("exchange", "why", "say for each arm whether it is there, and if not which setting is new", "file")
    merge = verb("exchange", "merge", "take the results of other stores, of other machines, into one")
    merge.add_argument("folders", nargs="+", metavar="DIR", help="a store, whose files stay as they are")
    text = "read every file of a store: whether each is what was written, and whether all runs are there"
    verb("exchange", "verify", text).add_argument("store", metavar="DIR", help="a store, such as results")
    text = "train a run again, and compare it with its record: exit 1 where it differs by more than rounding"
    again = verb("exchange", "reproduce", text, "arm")
    again.add_argument("file", nargs="?", help="a study file whose labels are meant; else those of all in the store")
    again.add_argument("--seed", type=int, metavar="S", help="the seed of the run")
    again.add_argument("--sample", type=int, metavar="N", help="so many runs; in place of ARM a study file is given")
    text = "write a study, its records and its report as one zip file, to be handed over"
    export = verb("exchange", "export", text, "file")
    export.add_argument("--to", metavar="ZIP", help="where it is written; STUDY.zip where nothing else is said")
    text = "draw the tables and figures that show something new, and report.html (called by rule report)"
    report = verb("show", "report", text, "plan")
    draw = verb("show", "draw", "collect and report in one go, from the records that are there")
    draw.add_argument("plan", metavar="FILE", help="a study file that was run, or its results/studies/STUDY/plan.json")
    into = "draw it in this store, another one: records are copied, and that of the plan stays as it is"
    draw.add_argument("--into", metavar="DIR", help=into)
    for sub in (check, watch, claims, suggest, arm, why, merge, again, export, draw):
        sub.add_argument("--results", default="results", help="the store that its results are in")
    for sub in (report, draw):
        sub.add_argument("--processes", type=int, metavar="N", help="that draw at a time; as many as there are cores")
    return whole


def main(argv: list[str] | None = None) -> int:
    """Run one verb. Returns 0 done, 1 something failed while running, 2 the input was refused."""
    if not (sys.argv[1:] if argv is None else argv):
        parser().exit(2, parser().format_help())
    arguments = parser().parse_args(argv)
    try:
        _note_store(arguments)
        home = import_module(arguments.home)  # only now: checking a study loads neither torch nor pandas
        status = int(getattr(home, arguments.verb)(arguments) or 0)
        sys.stdout.flush()
        return status
    except Refused as refusal:
        print(*refusal.lines, sep="\n", file=sys.stderr)
        return 2
    except Damaged as damaged:
        print(damaged, file=sys.stderr)
        return 1
    except BrokenPipeError:  # `… | head` has read enough; Python would complain once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        from study.store.failures import of_machine, out_of_memory, said

        if isinstance(error, OSError) and error.errno in FULL:  # of a stream, which says nothing of where
            error = DiskFull(Path(os.path.realpath(f"/proc/self/fd/{sys.stdout.fileno()}")).parent)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not of_machine(error):
            raise
        with suppress(OSError):  # where it would be said the disk may be the one that is full
            more = "give it more, or let fewer jobs run at a time (--cores)"
            memory = f"out of memory: {said(error)}; {more}"
            print(memory if out_of_memory(error) else error, file=sys.stderr)
        return 1


def _note_store(arguments: argparse.Namespace) -> None:
    """Say where results of a study are that are not looked for, since its file is in another folder."""
    file = getattr(arguments, "plan" if arguments.verb == "draw" else "file", None)
    if file and "results" in arguments and Path(file).name != "plan.json":
        from study.plan.workflow.command import store_beside

        if beside := store_beside(file, arguments.results):
            words = f"{beside}/ has results of this study, and {arguments.results}/ has none; to take these"
            print(f"{words}: --results {shlex.quote(str(beside))}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
