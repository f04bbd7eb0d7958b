"""What a study has stated, looked at and drawn: history.json, which no command takes away.

And what its report is drawn from: records.json, with digests of contents, whose change draws the report again. It is a
file of its own because Snakemake needs an input whose mtime changes when records do, and only then. What is still to
be made is not in it: the receipts of jobs are inputs of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, PrivateAttr
from typing_extensions import TypedDict

from study.errors import Refused, Unreadable
from study.metrics import METRICS
from study.plan.damage import failed, lost
from study.plan.file.claim import PlannedClaim
from study.plan.plan import Plan, PlannedComparison
from study.stats.exact import PRIMARY
from study.store.checksums import Sums
from study.store.files import write_if_changed
from study.store.layout import Store, owned
from study.store.notes import note_text, now, read_note, write_note

Look = dict[str, int]  # digest of the paired values → how many pairs they are; several where comparisons differ in them
TIMING = "timing"  # stands beside the ids of arms
LOST = "lost"  # beside the failures


class Stated(TypedDict):
    """When a claim was stated first, in UTC, and how many runs of its two arms were there then."""

    time: str
    runs: int


class Entry(TypedDict):
    """Of a claim."""

    stated: Stated | None  # None where it was judged and never stated by a run
    row: dict[str, Any] | None  # its last one of claims.parquet; None before it was judged on all of its runs


NEVER: Entry = {"stated": None, "row": None}  # of a claim that was neither stated nor judged


class History(BaseModel):
    """``claims`` that were stated, or judged, at any time: by ``words``.

    ``looks`` taken at them: by ``PlannedClaim.about``, so that looking at the same two arms with another target is
    another look. ``drawn``: a digest of the records of each arm, and of the timing, that the study's results were drawn
    from last. ``declared``: how many looks the study file declared at the first verdict; None before.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    claims: dict[str, Entry]
    looks: dict[str, list[Look]]
    drawn: dict[str, str]
    declared: int | None = None
    _path: Path = PrivateAttr(Path())

    @classmethod
    def read(cls, plan: Plan, store: Store) -> History:
        """Raises Refused where the file is damaged: nothing is to be written over it."""
        return cls.at(store.study(plan.study) / "history.json")

    @classmethod
    def at(cls, path: Path) -> History:
        """As ``read`` does, of a study whose plan nobody needs."""
        try:
            found = cls.model_validate_json(note_text(path))
        except FileNotFoundError:
            found = cls(claims={}, looks={}, drawn={})
        except Unreadable as closed:
            raise Refused([f"{closed}; change that, and run again"]) from None
        except ValueError:
            words = "restore it, or delete it, and of the claims that are there now nothing is known"
            words += "; where it was edited, or merged, on purpose, take out its last key, sha256"
            raise Refused([f"{path}: is damaged; {words}"]) from None
        found._path = path
        return found

    def write(self) -> None:
        """Where it differs from what the file holds."""
        content = {"claims": self.claims, "looks": self.looks, "drawn": self.drawn}
        content |= {"declared": self.declared} if self.declared else {}
        write_note(self._path, json.dumps(content, indent=1, sort_keys=True))

    def runs_before(self, words: str) -> int | None:
        """How many runs were there when a claim was first stated; None where nobody knows."""
        stated = self.claims.get(words, NEVER)["stated"]
        return stated["runs"] if stated else None

    def looks_declared(self, plan: Plan) -> int:
        """How many looks count: those that were declared before the first verdict was seen, whatever is said since."""
        return self.declared or plan.looks

    def withdrawn(self, plan: Plan) -> list[dict[str, Any]]:
        """The last rows of the claims that were judged once, and that ``plan`` does not state."""
        stated = claims_of(plan)
        return [entry["row"] for words, entry in self.claims.items() if entry["row"] and words not in stated]

    def counting_on(self, plan: Plan) -> dict[str, list[float]]:
        """The last p of the withdrawn claims that counted for Holm, by family."""
        found: dict[str, list[float]] = {}
        for row in self.withdrawn(plan):
            if row["counts"]:
                found.setdefault(row["family"], []).append(row["p"])
        return found

    def take_in(self, other: History) -> None:
        """What was stated and looked at in another store counts here too: of claims the first time that each was
        stated, and the verdict on more pairs; of looks those at data that none of these had.
        """
        for words, theirs in other.claims.items():
            mine = self.claims.get(words, NEVER)
            stated = [entry["stated"] for entry in (mine, theirs) if entry["stated"]]
            rows = [entry["row"] for entry in (mine, theirs) if entry["row"]]
            self.claims[words] = {
                "stated": min(stated, key=lambda one: (one["time"], -one["runs"])) if stated else None,
                "row": max(rows, key=lambda row: row.get("pairs") or 0) if rows else None,
            }
        self.declared = min(filter(None, (self.declared, other.declared)), default=None)
        for about, looks in other.looks.items():
            for look in looks:
                self.look({about: look})

    def look(self, seen: Mapping[str, Look]) -> None:
        """Take one more look at each claim (by ``about``) that is ``seen`` on data that none of its looks had.

        Other data are more pairs, another target, or runs or timing that took the place of others; to judge the same
        data again is no look.
        """
        for about, look in seen.items():
            known = {data for one in self.looks.get(about, []) for data in one}
            if new := {data: pairs for data, pairs in look.items() if data not in known}:
                self.looks.setdefault(about, []).append(new)


def state(plan: Plan, store: Store) -> None:
    """Note, for every claim of ``plan`` that was never stated before, the runs of its two arms that are there.

    For a real run to call, before anything is trained; a dry run states nothing. Claims are known by what they say of
    which arms: one that a study of another name in this store stated before was stated then. Raises Refused where the
    study's file is damaged.
    """
    history = History.read(plan, store)
    new = {words: about for words, about in claims_of(plan).items() if not history.claims.get(words, NEVER)["stated"]}
    if not new:
        return
    others: dict[str, Stated | None] = {}
    for path in sorted(history._path.parents[1].glob("*/history.json")):
        with suppress(Refused):  # that study will say so
            others |= {words: entry["stated"] for words, entry in History.at(path).claims.items() if entry["stated"]}
    present, time = store.present(plan.arms), now()
    for words, (comparison, claim) in new.items():
        arms, given = [*claim.arms.values()], comparison.runs
        if given:
            runs = sum(len(given.seeds[arm]) for arm in arms)
        else:
            runs = sum(len(seeds) for arm in arms for _, seeds in owned(present[arm], comparison.seeds))
        row = history.claims.get(words, NEVER)["row"]
        history.claims[words] = {"stated": others.get(words) or {"time": time, "runs": runs}, "row": row}
    history.write()


def words(comparison: PlannedComparison, claim: PlannedClaim) -> str:
    """All that decides whether a claim holds, but not its labels: another margin, target or family is another claim."""
    about = METRICS[claim.metric]
    target = comparison.target if about.target else None
    margin = about.margin if claim.margin is None else claim.margin
    return (
        claim.about
        + f", margin {margin:g}" * (margin > 0)
        + (f", {target.metric} {target.value:g}" if target else "")
        + f", family {claim.family}" * (claim.family != PRIMARY)
    )


def claims_of(plan: Plan) -> dict[str, tuple[PlannedComparison, PlannedClaim]]:
    """The claims of a plan by ``words``, each with the first comparison that states it."""
    return {words(c, claim): (c, claim) for c in reversed(plan.comparisons) for claim in c.claims}


class Freshness:
    """The records that are there for a plan, and what of them its results were drawn from.

    ``now``: a digest of the records of each arm that has any, and of the timing. Whoever builds the DAG, or collects,
    writes the digests into records.json.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        folder = store.study(plan.study)
        self.plan, self.store, self.expected = plan, store, folder / "records.json"
        self._sums = Sums(store.sums(plan.study))
        files = {arm: runs.paths for arm, runs in plan.given.items()}
        for arm, blocks in store.present(plan.arms).items():
            files[arm] = [store.search(search.id) for search in plan.searches_of(arm)]
            for block, _ in owned(blocks, plan.seeds[arm]):
                files[arm] += [store.runs(arm, block), store.curves(arm, block)]
        if plan.timing:
            files[TIMING] = [store.timing(plan.timing.id)]
        self.now = {name: found for name, paths in files.items() if (found := self._sums.digest(paths))}

    def expect(self, cached: bool) -> None:
        """Write down what the report will draw on, beside what jobs still make: records; and where nothing is made,
        ``cached``, the failures that it tells, and damaged records, which each start is to tell anew.
        """
        why = [f"{f.arm}/{f.block}: {f.reason}" for f in failed(self.plan, self.store)] if cached else []
        gone = [each.aside.name for each in lost(self.plan, self.store)] if cached else []
        self._write({"failures": why, "contents": self.now} | ({LOST: gone} if gone else {}))

    @contextmanager
    def drawing(self, history: History) -> Iterator[None]:
        """While results are drawn from the records that are there now; which those were is in ``history`` afterwards.

        Their contents replace those in records.json: of records that were still to be made it has none, and at the
        next start they would look like new ones.
        """
        history.drawn = {}
        history.write()
        if self.expected.exists():
            expected: dict[str, Any] = {"contents": self.now}
            with suppress(ValueError):  # one that is damaged: the next start writes it anew
                expected = read_note(self.expected) | expected
            expected.pop(LOST, None)  # so that the next start finds another one
            self._write(expected)
        yield
        history.drawn = self.now
        history.write()

    def _write(self, expected: dict[str, Any]) -> None:
        write_if_changed(self.expected, json.dumps(expected, indent=1) + "\n")
        self._sums.keep()

    def newer(self) -> list[str]:
        """The arms, or "timing", whose records are not those drawn from (none yet: all)."""
        drawn = History.read(self.plan, self.store).drawn
        names = [*self.plan.arms, *self.plan.given, *[TIMING] * bool(self.plan.timing)]
        return [name for name in names if drawn.get(name) != self.now.get(name)]
