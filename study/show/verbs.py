"""The verbs that show: collect, table, figure, report, and all of them in one go."""

from __future__ import annotations

import sys
import traceback
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from study.errors import Refused
from study.errors import suggest as nearest
from study.plan.file.expand import prepare
from study.plan.history import Freshness, History
from study.plan.plan import Plan, open_plan
from study.show.figures import FIGURES, drawings
from study.store.files import write_if_changed
from study.store.layout import Store

ENDINGS = (".csv", ".md", ".tex", ".svg", ".png", ".pdf", ".parquet", ".html")  # of what is drawn


def collect(arguments: Namespace) -> None:
    """Records of the arms → observations → summary and verdicts: the tables that all else is drawn from."""
    from study.show.claims import verdicts
    from study.show.observations import observe, summarize
    from study.show.records import gather
    from study.store.files import write_parquet

    plan, store = open_plan(arguments.plan)
    folder = store.study(plan.study)
    _remove_stale(plan, folder)
    history = History.read(plan, store)
    with Freshness(plan, store).drawing(history):
        records = gather(plan, store)
        records.write(folder)
        observations = observe(plan, records)
        observations.write(folder / "observations.parquet")
        write_parquet(summarize(plan, observations, records.tuning), folder / "summary.parquet")
        rulings = verdicts.judge(plan, observations, history)
        write_parquet(verdicts.table_of(plan, rulings, history), folder / "claims.parquet")


def claims(arguments: Namespace) -> int:
    """Print the verdict on every claim; 1 where one is not as ``--require`` wants it."""
    import pandas as pd

    from study.show.claims import table as claims_table

    plan, store, path, again = _asked(arguments)
    if arguments.require and not any(comparison.claims for comparison in plan.comparisons):
        raise Refused([f"{arguments.file}: states no claims, so that none can be {arguments.require}; add 'claims:'"])
    if not path.exists():
        raise Refused([f"{path}: there are no verdicts yet; {again}"])
    found = pd.read_parquet(path)
    if claims_table.differs(plan, found):
        raise Refused([f"{path}: these verdicts are on other claims than {arguments.file} states; {again}"])
    if Freshness(plan, store).newer():
        raise Refused([f"{path}: these verdicts are on other records than {store.root}/ has by now; {again}"])
    met = claims_table.meets(found, arguments.require) if arguments.require else found["verdict"].notna()
    name = ""
    for line, counts in zip(claims_table.lines(found), met, strict=True):
        if line.comparison != name:
            name = line.comparison
            print(f"{name}")
        print(f"  {line.mark} {line.verdict:9}  {line.claim}{f' ({line.remark})' * bool(line.remark)}")
        undeclared = line.verdict == arguments.require and not counts
        unmet = f"; does not count as {line.verdict}: that look was not declared" * undeclared
        p = f" (p = {line.adjusted} adjusted, against {line.level}; {line.alone} alone)".replace("= <", "<")
        print(f"               {line.reason}{unmet}{p * bool(line.alone)}")
    print(claims_table.tally(found))
    return int(not met.all())


def _asked(arguments: Namespace) -> tuple[Plan, Store, Path, str]:
    """The plan of a study file, its store, where its verdicts are, or will be, and what to run for them."""
    store = Store(arguments.results)
    plan = prepare(Path(arguments.file), store)
    again = f"run snakemake --cores all --resources gpu=4 --config study={arguments.file} results={store.root}"
    return plan, store, store.study(plan.study) / "claims.parquet", again


def suggest(arguments: Namespace) -> None:
    """Print what would decide the claims that are undecided. Writes nothing: to ask is no look."""
    import pandas as pd

    from study.show.claims import advice, verdicts
    from study.show.claims import table as claims_table
    from study.show.observations import observe
    from study.show.records import gather

    plan, store, path, again = _asked(arguments)
    found = pd.read_parquet(path) if path.exists() else None
    if found is None or claims_table.differs(plan, found) or Freshness(plan, store).newer():
        if not any(store.present(plan.arms).values()):
            raise Refused([f"{arguments.file}: none of its arms is trained yet; {again}"])
        history = History.read(plan, store)  # judged in memory: the study's own results are those of its last run
        rulings = verdicts.judge(plan, observe(plan, gather(plan, store)), history)
        found = verdicts.table_of(plan, rulings, history).to_pandas()
    print(*advice.suggest(plan, store, found), sep="\n")


def table(arguments: Namespace) -> None:
    import pandas as pd

    from study.show.observations import device_of, workers
    from study.show.tables.results_table import FORMATS

    plan, store = open_plan(arguments.plan)
    folder = store.study(plan.study)
    comparison = plan.comparison(arguments.comparison)
    summary = pd.read_parquet(folder / "summary.parquet")
    gpus = [plan.arms[arm.arm].gpus for arm in comparison.arms]
    device = workers(device_of(pd.read_parquet(folder / "timing.parquet")), gpus)
    for ending, text in FORMATS.items():
        write_if_changed(folder / "tables" / f"{comparison.name}.{ending}", text(comparison, summary, device))


def figure(arguments: Namespace) -> None:
    import pandas as pd

    from study.show.figures.data import Evidence
    from study.show.figures.panel import save
    from study.show.observations import Observations
    from study.show.records import Records

    plan, store = open_plan(arguments.plan)
    comparison = plan.comparison(arguments.comparison)
    if arguments.name not in FIGURES:
        raise Refused([f"{arguments.name}: {nearest(arguments.name, FIGURES, 'figure')}"])
    kind = FIGURES[arguments.name]
    if not kind.suits(plan, comparison):
        raise Refused([f"{comparison.name}: it has no {kind.title[0].lower()}{kind.title[1:]}"])
    folder = store.study(plan.study)
    evidence = Evidence(comparison, Records.read(folder), Observations.read(folder / "observations.parquet"))
    drawing = kind.draw(plan, evidence, pd.read_parquet(folder / "summary.parquet"))
    save(drawing.canvas, folder / "figures" / kind.name / comparison.name, drawing.caption)


def report(arguments: Namespace) -> None:
    from study.show.page.report import render

    plan, store = open_plan(arguments.plan)
    write_if_changed(store.study(plan.study) / "report.html", render(plan, store))


def draw(arguments: Namespace) -> int:
    """Draw all that can be drawn; what cannot be is said in a line, and its old version is taken away."""
    from study.plan.workflow.dag import Dag

    plan, store = open_plan(arguments.plan)
    folder = store.study(plan.study)
    Dag(plan, store, cached=True).note_expected()

    steps: list[tuple[Callable[[Namespace], object], dict[str, str], str]] = [
        (collect, {}, ""),
        *((table, {"comparison": one.name}, f"tables/{one.name}") for one in plan.comparisons),
        *((figure, {"name": name, "comparison": of}, f"figures/{name}/{of}") for name, of in drawings(plan)),
        (report, {}, "report"),
    ]
    failed = 0
    for verb, more, place in steps:
        try:
            verb(Namespace(plan=arguments.plan, **more))
        except Exception as error:
            traceback.print_exc()
            words = " ".join((verb.__name__, *more.values()))
            print(f"FAILED {words}: {type(error).__name__}: {error}", file=sys.stderr)
            for path in folder.glob("*.parquet") if verb is collect else (folder / f"{place}{e}" for e in ENDINGS):
                path.unlink(missing_ok=True)
            failed = 1
    return failed


def _remove_stale(plan: Plan, folder: Path) -> None:
    """Take away the tables and figures of comparisons that were renamed or taken out of the study."""
    wanted = {folder / "tables" / one.name for one in plan.comparisons}
    wanted |= {folder / "figures" / name / of for name, of in drawings(plan)}
    for place in (folder / "tables", *(folder / "figures" / name for name in FIGURES)):
        for path in place.glob("*.*"):
            if path.suffix in ENDINGS and path.with_suffix("") not in wanted:
                path.unlink()
