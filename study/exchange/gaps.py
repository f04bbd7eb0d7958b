"""Why runs of a study are not there: what is new in an arm against the nearest one that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from study.exchange.arms import KnownArm
from study.exchange.differences import described, differences, distance
from study.plan.arm import Arm
from study.plan.cost import length
from study.plan.plan import Plan
from study.store.failures import failures
from study.store.layout import Store
from study.wording import counted, listed

SHOWN = 12  # differences that are listed of one arm
COMPARED = 50  # equally near arms that are looked at closely


def explained(plan: Plan, store: Store, known: Mapping[str, KnownArm], file: str) -> Iterator[str]:
    """A line for each arm of ``plan``: whether its runs are there; below it why not. ``known``: arms of the store."""
    present, gaps = store.present(known), plan.missing(store)
    neighbours = Neighbours([one for name, one in known.items() if present[name]], plan.study)
    yield f"{file}: {counted(len(plan.arms), 'arm')}, {len(plan.arms) - len(gaps)} of them complete in {store.root}/"
    for name, wanted in plan.seeds.items():
        arm = plan.arms[name]
        lacking = length(gaps.get(name, ()))
        failed = [*failures(store, name, arm.waiting(range(wanted)))]
        word = "there" if not lacking else "failed" if failed else "missing" if lacking == wanted else "partly"
        yield f"{word:8} {plan.names[name]}: {wanted - lacking} of {counted(wanted, 'run')}"
        for failure in failed:
            yield f"           {failure}"
        if lacking and lacking < wanted:
            gone = listed(gap.numbers for gap in gaps[name])
            yield f"           its recipe is there, with fewer seeds: {gone} missing"
        elif lacking and not failed:
            yield from (f"           {line}" for line in neighbours.new(arm))
    for comparison in plan.comparisons:
        if comparison.runs:
            yield f"{'given':8} {comparison.name}: its runs are in {comparison.runs.file.path}"


class Neighbours:
    """The arms that have runs, to be asked which is nearest to another."""

    def __init__(self, there: Sequence[KnownArm], study: str) -> None:
        self.there, self.study = [(one, described(one.arm)) for one in there], study

    def new(self, arm: Arm) -> Iterator[str]:
        """What ``arm`` has that the nearest one has not; of equally near ones that of the same study is."""
        mine = described(arm)
        apart = [distance(mine, theirs) for _, theirs in self.there]
        near = [one for (one, _), count in zip(self.there, apart, strict=True) if count == min(apart)][:COMPARED]
        if not near:
            yield "no arm is there that it could be compared with"
            return
        found = [(differences(mine, other), other) for other in near]
        lines, other = min(
            found, key=lambda each: (len(each[0]), all(p.study != self.study for p in each[1].places), each[1].id)
        )
        yield f"nearest that is there: {other.name}; new:"
        yield from (f"  {line}" for line in lines[:SHOWN])
        if len(lines) > SHOWN:
            yield f"  and {len(lines) - SHOWN} more settings"
        if not lines:
            yield "  nothing that this version knows of"
