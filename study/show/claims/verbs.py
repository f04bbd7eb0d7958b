"""The verbs on verdicts: print them, and what would decide those that are undecided."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from study.errors import Refused, printed
from study.plan.file.expand import prepare
from study.plan.history import Freshness, History
from study.plan.plan import Plan
from study.plan.workflow.command import run_command
from study.show.claims import advice, verdicts
from study.show.claims import table as claims_table
from study.show.observations import observe
from study.show.page.scope import scope
from study.show.records import gather
from study.show.regret import with_regret
from study.store.layout import Store
from study.store.seal import read_parquet


def claims(arguments: Namespace) -> int:
    """Print the verdict on every claim; 1 where one is not as ``--require`` wants it."""
    plan, store, path, again = _asked(arguments)
    if arguments.require and not any(comparison.claims for comparison in plan.comparisons):
        raise Refused([f"{arguments.file}: states no claims, so that none can be {arguments.require}; add 'claims:'"])
    if not path.exists():
        raise Refused([f"{path}: there are no verdicts yet; {again}"])
    found = claims_table.primary_first(read_parquet(path).to_pandas())
    if claims_table.differs(plan, found):
        raise Refused([f"{path}: these verdicts are on other claims than {arguments.file} states; {again}"])
    if Freshness(plan, store).newer():
        raise Refused([f"{path}: these verdicts are on other records than {store.root}/ has by now; {again}"])
    met = claims_table.meets(found, arguments.require) if arguments.require else found["verdict"].notna()
    lines, name, family = claims_table.lines(found), "", ""
    width = max((len(line.verdict) for line in lines), default=0)
    for line, counts in zip(lines, met, strict=True):
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
        for text in line.beside:
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
    found = read_parquet(path).to_pandas() if path.exists() else None
    if found is None or claims_table.differs(plan, found) or Freshness(plan, store).newer():
        if not plan.given and not any(store.present(plan.arms).values()):
            raise Refused([f"{arguments.file}: none of its arms is trained yet; {again}"])
        history = History.read(plan, store)  # judged in memory: the study's own results are those of its last run
        observations = observe(plan, with_regret(plan, gather(plan, store)))
        found = verdicts.table_of(plan, store, observations, history).to_pandas()
    print(*map(printed, advice.suggest(plan, store, found, arguments.file)), sep="\n")
