"""The verbs that show: collect, report, both in one go; verdicts, and what would decide them."""

from __future__ import annotations

import json
import sys
import traceback
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from study.errors import Refused, printed
from study.plan.check.verbs import restated
from study.plan.damage import TABLES, lost
from study.plan.extract import elsewhere
from study.plan.file.expand import prepare
from study.plan.history import Freshness, History
from study.plan.limits import available_cores
from study.plan.plan import Plan, open_plan
from study.plan.workflow.command import run_command
from study.plan.workflow.dag import Dag
from study.plan.workflow.messages import report_of
from study.show.by_row import ByRow
from study.show.claims import advice, beside, verdicts
from study.show.claims import table as claims_table
from study.show.drawing import Studio
from study.show.figures import drawings
from study.show.observations import observe
from study.show.page.index import index
from study.show.page.report import render
from study.show.page.scope import scope
from study.show.records import gather
from study.show.regret import with_regret
from study.show.summary import summarize
from study.store.checksums import file_sum
from study.store.failures import of_machine
from study.store.files import alone, write_if_changed, write_parquet
from study.store.layout import Store
from study.store.notes import write_note
from study.store.seal import of_study, read_parquet

COLLECTED = [f"{name}.parquet" for name in TABLES]
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
            summary = summarize(plan, observations, records.tuning)
            write_parquet(summary, folder / "summary.parquet", of_study(plan.study, "summary"))
            rulings = verdicts.judge(plan, observations, history)
            table = verdicts.table_of(plan, rulings, history, observations, ByRow(plan, store))
            write_parquet(table, folder / "claims.parquet", of_study(plan.study, "claims"))
        gone = lost(plan, store)
        for each in gone:
            print(f"{each.aside}: was set aside; what it held is missing", file=sys.stderr)
    return int(bool(gone))


def claims(arguments: Namespace) -> int:
    """Print the verdict on every claim; 1 where one is not as ``--require`` wants it."""
    plan, store, path, again = _asked(arguments)
    if arguments.require and not any(comparison.claims for comparison in plan.comparisons):
        raise Refused([f"{arguments.file}: states no claims, so that none can be {arguments.require}; add 'claims:'"])
    if not path.exists():
        raise Refused([f"{path}: there are no verdicts yet; {again}"])
    found = claims_table.primary_first(read_parquet(path, of_study(plan.study, "claims")).to_pandas())
    if claims_table.differs(plan, found):
        raise Refused([f"{path}: these verdicts are on other claims than {arguments.file} states; {again}"])
    if Freshness(plan, store).newer():
        raise Refused([f"{path}: these verdicts are on other records than {store.root}/ has by now; {again}"])
    met = claims_table.meets(found, arguments.require) if arguments.require else found["verdict"].notna()
    lines, name, family = claims_table.lines(found), "", ""
    width = max((len(line.verdict) for line in lines), default=0)
    for line, counts, remarks in zip(
        lines, met, map(beside.remarks, (row for _, row in found.iterrows())), strict=True
    ):
        if (line.family, line.comparison) != (family, name):
            if line.family != family:
                print(printed(f"Family: {line.family}"))
            family, name = line.family, line.comparison
            print(name)
        seen = f"{f' ({line.remark})' * bool(line.remark)}{f': {line.estimate}' * bool(line.estimate.around)}"
        print(printed(f"  {line.mark} {line.verdict:{width}}  {line.claim}{seen}"))
        undeclared = line.verdict == arguments.require and not counts
        unmet = f"; does not count as {line.verdict}: that look was not declared" * undeclared
        p = f" (p = {line.adjusted} adjusted, against {line.level}; {line.alone} unadjusted)".replace("= <", "<")
        print(printed(f"{'':{width + 6}}{line.reason}{unmet}{p * bool(line.alone)}"))
        for text in remarks:
            print(printed(f"{'':{width + 6}}{text}"))
    if name:
        print(f"These verdicts {scope(plan)['words']}.")
    print(claims_table.tally(found))
    if arguments.require:
        print(printed(claims_table.covered(found, met, arguments.require)))
    return int(not met.all())


def _asked(arguments: Namespace) -> tuple[Plan, Store, Path, str]:
    """The plan of a study file, its store, where its verdicts are, or will be, and what to run for them."""
    store = Store(arguments.results)
    plan = prepare(Path(arguments.file), store, cached=True)
    again = f"run it: {run_command(arguments.file, store.root)}"
    return plan, store, store.study(plan.study) / "claims.parquet", again


def suggest(arguments: Namespace) -> None:
    """Print what would decide the claims that are undecided. Writes nothing: to ask is no look."""
    plan, store, path, again = _asked(arguments)
    found = read_parquet(path, of_study(plan.study, "claims")).to_pandas() if path.exists() else None
    if found is None or claims_table.differs(plan, found) or Freshness(plan, store).newer():
        if not plan.given and not any(store.present(plan.arms).values()):
            raise Refused([f"{arguments.file}: none of its arms is trained yet; {again}"])
        history = History.read(plan, store)  # judged in memory: the study's own results are those of its last run
        observations = observe(plan, with_regret(plan, gather(plan, store)))
        rulings = verdicts.judge(plan, observations, history)
        found = verdicts.table_of(plan, rulings, history, observations, ByRow(plan, store)).to_pandas()
    print(*map(printed, advice.suggest(plan, store, found, arguments.file)), sep="\n")


def report(arguments: Namespace) -> int:
    """Draw the tables and figures that show something new, then the page; what cannot be drawn is said in a line."""
    plan, store = open_plan(arguments.plan)
    with alone(store.study(plan.study)) as folder:
        failed = list(Studio(plan, store).draw_all(arguments.processes or available_cores()))
        for drawing, error in failed:
            print(f"FAILED {drawing.name} of {drawing.of}: {error}", file=sys.stderr)
        page = folder / "report.html"
        write_if_changed(page, render(plan, store))
        page.touch()  # what it shows is of now, also where nothing in it changed
        write_if_changed(store.root / "index.html", index(store))
        _keep_sums(plan, store)
    return int(bool(failed))


def _keep_sums(plan: Plan, store: Store) -> None:
    """Of what is drawn, for ``verify``."""
    folder = store.study(plan.study)
    files = ["report.html", *(file for one in drawings(plan) for file in one.files)]
    sums = {file: file_sum(folder / file) for file in files if (folder / file).exists()}
    write_note(store.drawn(plan.study), json.dumps(sums, indent=1))


def draw(arguments: Namespace) -> int:
    """Collect and report, from the records that are there; the outputs of what fails are taken away."""
    if Path(arguments.plan).name != "plan.json":
        arguments.plan = _planned(arguments)
    if arguments.into:
        arguments.plan = elsewhere(arguments.plan, arguments.into)
    plan, store = open_plan(arguments.plan)
    print(printed(f"Drawing the report of {plan.study} from the records that are there."), flush=True)
    Dag(plan, store, cached=True).note_expected()
    files = [*COLLECTED, "report.html"]
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
                    (store.study(plan.study) / file).unlink(missing_ok=True)
            return 1
        files = ["report.html"]
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
