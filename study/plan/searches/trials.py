"""The trials of a search as they are stored: one row per candidate and tuning seed, with every validation metric.

A search is extended for each selection that a plan needs: the rows of its first trials serve all, further ones those
selections that are named in their column ``selections``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from study.metrics import Target
from study.plan.searches.search import Search, Selection
from study.plan.searches.selection import Candidate, Chosen, Row, Trial, choose, rank, score
from study.store.files import write_parquet

CURVE = ("steps", "val_loss", "val_accuracy")  # of every evaluation, as lists: which target was reached when


class Trials:
    """What a search has tried so far, in the order in which it was tried, and the selections it was extended for."""

    def __init__(self, search: Search, tried: Sequence[Trial] = (), done: Sequence[str] = ()) -> None:
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
        tried = [Trial(settings_of(rows[0]["settings"]), rows, tuple(rows[0]["selections"])) for rows in found.values()]
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
            (i, tried._replace(rows=[with_steps(row, selection.target) for row in tried.rows]))
            for i, tried in enumerate(self.tried)
            if not tried.selections or selection.name in tried.selections
        ]

    def chosen(self, selection: Selection) -> Chosen | None:
        """What ``selection`` chooses; None where every candidate diverged."""
        return choose(self.search, [trial for _, trial in self.of(selection)], selection.metric)

    def rows(self, selection: Selection) -> Iterator[Row]:
        """The rows of ``TUNING``, without the arm: what was tried for a selection, ranked, and what it chose."""
        from study.store.schemas import TUNING

        names = [name for name in TUNING.names if name != "arm"]
        trials = [trial for _, trial in self.of(selection)]
        places = {place: i + 1 for i, place in enumerate(rank(trials, selection.metric))}
        chosen = choose(self.search, trials, selection.metric)
        for n, trial in enumerate(trials):
            mine = chosen if places[n] == 1 else None
            shared = {
                "candidate": n,
                "phase": "extend" if trial.selections else "grid",
                "settings": settings_text(trial.settings),
                "select": selection.metric,
                "score": score(trial, selection.metric),
                "rank": places[n],
                "chosen": mine is not None,
                "edge": json.dumps(mine.sides, sort_keys=True) if mine and mine.sides else None,
                "undertuned": mine is not None and mine.undertuned,
                "next": json.dumps(mine.next, sort_keys=True) if mine and mine.next else None,
            }
            for row in trial.rows:
                content = row | shared
                yield {name: content.get(name) for name in names}


def with_steps(row: Row, target: Target | None) -> Row:
    """The row with ``steps_to_target``, of the target that a selection has."""
    reached = None
    if target is not None:
        values = zip(row["curve_steps"], row[f"curve_{target.metric}"], strict=True)
        reached = next((step for step, value in values if value is not None and target.met(value)), None)
    return row | {"steps_to_target": reached}


def settings_text(settings: Candidate) -> str:
    """As the column ``settings`` of runs and of searches has it."""
    return json.dumps(settings, sort_keys=True)


def settings_of(text: str) -> Candidate:
    return from_json(json.loads(text))


def from_json(settings: Mapping[str, Any]) -> Candidate:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
