"""The trials of a search as they are stored: one row per candidate and tuning seed, with every validation metric.

A search is extended for each selection that a plan needs: the rows of its first trials serve all, further ones those
selections that are named in their column ``selections``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from study.metrics import Target
from study.plan.searches.search import Search, Selection
from study.plan.searches.selection import Candidate, Chosen, Outcome, Trial, choose, rank, score
from study.store.files import write_parquet

Row = dict[str, Any]
CURVE = ("steps", "val_loss", "val_accuracy")  # of every evaluation, as lists: which target was reached when


class Tried(NamedTuple):
    """A candidate, the rows of its tuning seeds in their order, and the selections that asked for it (none: all)."""

    settings: Candidate
    rows: Sequence[Row]
    selections: tuple[str, ...]

    def serves(self, selection: Selection) -> bool:
        return not self.selections or selection.name in self.selections


class Trials:
    """What a search has tried so far, in the order in which it was tried, and the selections it was extended for."""

    def __init__(self, search: Search, tried: Sequence[Tried] = (), done: Sequence[str] = ()) -> None:
        self.search, self.tried, self.done = search, list(tried), list(done)

    @classmethod
    def read(cls, search: Search, path: Path) -> Trials:
        """Those at ``path``; none where there is no such file."""
        import pyarrow.parquet as pq  # planning reads none

        if not path.exists():
            return cls(search)
        table = pq.read_table(path)
        found: dict[int, list[Row]] = {}
        for row in table.to_pylist():
            found.setdefault(row["candidate"], []).append(row)
        tried = [Tried(settings_of(rows[0]["settings"]), rows, tuple(rows[0]["selections"])) for rows in found.values()]
        return cls(search, tried, json.loads(table.schema.metadata[b"selections"]))

    def write(self, path: Path) -> None:
        """Write them to ``path`` in one step."""
        import pyarrow as pa

        from study.store.schemas import SEARCH

        rows = [
            row | {"search": self.search.id, "candidate": i, "settings": settings_text(tried.settings)}
            | {"selections": list(tried.selections)}
            for i, tried in enumerate(self.tried)
            for row in tried.rows
        ]  # fmt: skip
        schema = SEARCH.with_metadata({"selections": json.dumps(self.done)})
        write_parquet(pa.Table.from_pylist(rows, schema), path)

    def of(self, selection: Selection) -> list[tuple[int, Trial]]:
        """The candidates that a selection chooses from, each with its place among all, and what they came to."""
        return [
            (i, Trial(tried.settings, [outcome_of(row, selection.target) for row in tried.rows]))
            for i, tried in enumerate(self.tried)
            if tried.serves(selection)
        ]

    def chosen(self, selection: Selection) -> Chosen | None:
        """What ``selection`` chooses; None where every candidate diverged."""
        return choose(self.search, [trial for _, trial in self.of(selection)], selection.metric)

    def rows(self, selection: Selection) -> Iterator[Row]:
        """The rows of ``TUNING``, without the arm: what was tried for a selection, ranked, and what it chose."""
        from study.store.schemas import TUNING

        names = [name for name in TUNING.names if name != "arm"]
        pairs = self.of(selection)
        trials = [trial for _, trial in pairs]
        places = {place: i + 1 for i, place in enumerate(rank(trials, selection.metric))}
        chosen = choose(self.search, trials, selection.metric)
        for n, (i, trial) in enumerate(pairs):
            mine = chosen is not None and places[n] == 1
            shared = {
                "candidate": n,
                "phase": "extend" if self.tried[i].selections else "grid",
                "settings": settings_text(trial.settings),
                "select": selection.metric,
                "score": score(trial, selection.metric),
                "rank": places[n],
                "chosen": mine,
                "edge": json.dumps(chosen.sides, sort_keys=True) if mine and chosen and chosen.sides else None,
                "undertuned": mine and chosen is not None and chosen.undertuned,
                "next": json.dumps(chosen.next, sort_keys=True) if mine and chosen and chosen.next else None,
            }
            for row, outcome in zip(self.tried[i].rows, trial.outcomes, strict=True):
                content = row | shared | {"steps_to_target": outcome.steps_to_target}
                yield {name: content[name] for name in names}


def outcome_of(row: Row, target: Target | None) -> Outcome:
    """What a selection looks at. ``target``: where it is chosen by steps to one."""
    reached = None
    if target is not None:
        values = zip(row["curve_steps"], row[f"curve_{target.metric}"], strict=True)
        reached = next((step for step, value in values if value is not None and target.met(value)), None)
    return Outcome(row["status"] == "finished", row["val_accuracy"], row["val_loss"], reached)


def settings_text(settings: Candidate) -> str:
    """As the column ``settings`` of runs and of searches has it."""
    return json.dumps(settings, sort_keys=True)


def settings_of(text: str) -> Candidate:
    return from_json(json.loads(text))


def from_json(settings: Mapping[str, Any]) -> Candidate:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
