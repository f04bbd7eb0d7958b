"""The verbs that show: collect, report, and both in one go."""

from __future__ import annotations

import sys
import traceback
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from study.errors import Refused, printed
from study.plan.damage import lost
from study.plan.extract import elsewhere
from study.plan.file.expand import prepare
from study.plan.history import Freshness, History
from study.plan.limits import available_cores
from study.plan.plan import Plan, open_plan, restated
from study.plan.workflow.command import run_command
from study.plan.workflow.messages import report_of
from study.show.claims import verdicts
from study.show.drawing import Studio
from study.show.figures import drawings
from study.show.observations import observe
from study.show.page.index import index
from study.show.page.report import render
from study.show.records import gather
from study.show.regret import with_regret
from study.show.results import Results
from study.show.summary import summarize
from study.store.failures import of_machine
from study.store.files import alone, write_if_changed, write_parquet
from study.store.layout import Store

ENDINGS = (".csv", ".md", ".tex", ".svg", ".png", ".pdf")  # of what is drawn


def collect(arguments: Namespace) -> int:
    """Records of the arms → observations → summary and verdicts: the tables that all else is drawn from.

    1 where records are damaged, and were not made again: what they held is missing.
    """
    plan, store = open_plan(arguments.plan)
    with alone(store.study(plan.study)) as folder:
        _remove_stale(plan, folder)
        history = History.read(plan, store)
        with Freshness(plan, store).drawing(history):
            records = with_regret(plan, gather(plan, store))
            records.write(folder)
            observations = observe(plan, records)
            observations.write(folder / "observations.parquet")
            write_parquet(summarize(plan, observations, records.tuning), folder / "summary.parquet")
            write_parquet(verdicts.table_of(plan, store, observations, history), folder / "claims.parquet")
        gone = lost(plan, store)
        for each in gone:
            print(f"{each.aside}: was set aside; what it held is missing", file=sys.stderr)
    return int(bool(gone))


def report(arguments: Namespace) -> int:
    """Draw the tables and figures that show something new, then the page; what cannot be drawn is said in a line."""
    plan, store = open_plan(arguments.plan)
    with alone(store.study(plan.study)) as folder:
        results = Results(plan, store)
        studio = Studio(results)
        failed = list(studio.draw_all(arguments.processes or available_cores()))
        for drawing, error in failed:
            print(f"FAILED {drawing.name} of {drawing.of}: {error}", file=sys.stderr)
        page = folder / "report.html"
        write_if_changed(page, render(results))
        page.touch()  # what it shows is of now, also where nothing in it changed
        write_if_changed(store.root / "index.html", index(store))
        studio.keep()
    return int(bool(failed))


def draw(arguments: Namespace) -> int:
    """Collect and report, from the records that are there; the outputs of what fails are taken away."""
    if Path(arguments.plan).name != "plan.json":
        arguments.plan = _planned(arguments)
    if arguments.into:
        arguments.plan = elsewhere(arguments.plan, arguments.into)
    plan, store = open_plan(arguments.plan)
    print(printed(f"Drawing the report of {plan.study} from the records that are there."), flush=True)
    Freshness(plan, store).expect(cached=True)
    page = store.study(plan.study) / "report.html"
    files = [*store.tables(plan.study), page]
    for verb in (collect, report):
        try:
            failed = int(verb(arguments) or 0)
        except Exception as error:
            if not (of_machine(error) or isinstance(error, Refused)):  # which say all
                traceback.print_exc()
            kind = "" if isinstance(error, Refused) else f"{type(error).__name__}: "
            print(f"FAILED {verb.__name__}: {kind}{error}", file=sys.stderr)
            for file in files:
                with suppress(OSError):  # where nothing can be written
                    file.unlink(missing_ok=True)
            return 1
        files = [page]
    print(printed(report_of(store.study(plan.study))))
    return failed


def _planned(arguments: Namespace) -> Path:
    """Where the plan of a study file is. Raises Refused where the study was not run as the file states it."""
    store = Store(arguments.results)
    plan = prepare(Path(arguments.plan), store, cached=True)
    path = store.study(plan.study) / "plan.json"
    if not path.exists() or restated(plan, store):
        why = "was planned from another state of that file" if path.exists() else "does not exist yet"
        raise Refused([f"{path}: {why}; run: {run_command(arguments.plan, store.root, 'cached=true')}"])
    return path


def _remove_stale(plan: Plan, folder: Path) -> None:
    """Take away the tables and figures of comparisons that were renamed or taken out of the study."""
    wanted = {folder / file for drawing in drawings(plan) for file in drawing.files}
    for path in [*folder.glob("tables/*.*"), *folder.glob("figures/*/*.*")]:
        if path.suffix in ENDINGS and path not in wanted and not path.name.startswith("."):  # which is being written
            path.unlink(missing_ok=True)
