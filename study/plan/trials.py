"""What a search tried, as it is stored.

A row per candidate and tuning seed, with every validation metric. A search is extended for each selection that a plan
needs: the rows of its first trials serve all, further ones those selections that are named in their column
``selections``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from study.plan.choice import Chosen, Row, Trial, choose, rank, score
from study.plan.search import Candidate, Search, Selection
from study.store.layout import Store
from study.store.seal import read_parquet
from study.store.searches import TrialRows
from study.target import Target

NOTHING_CHOSEN = "tuning"  # the reason of runs that are diverged because every candidate was


class Trials:
    """What a search has tried so far, in the order in which it was tried, and the selections it was extended for."""

    def __init__(self, search: Search, tried: Sequence[Trial] = (), done: Sequence[str] = ()) -> None:
        self.search, self.tried, self.done = search, list(tried), list(done)

    @classmethod
    def read(cls, search: Search, store: Store) -> Trials:
        """Those that are there; none where its file is not. Raises Damaged where that holds something else."""
        if not (path := store.search(search.id)).exists():
            return cls(search)
        table = read_parquet(path)
        found: dict[int, list[Row]] = {}
        for row in table.to_pylist():
            found.setdefault(row["candidate"], []).append(row)
        tried = [Trial(settings_of(rows[0]["settings"]), rows, tuple(rows[0]["selections"])) for rows in found.values()]
        return cls(search, tried, json.loads(table.schema.metadata[b"selections"]))

    @classmethod
    def pooled(cls, search: Search, parts: Sequence[Trials]) -> Trials:
        """Those of several runs' searches as if it was one: the candidates that all of them tried, with all seeds."""
        if not search.by_seed:
            return parts[0]
        first, *others = ({settings_text(trial.settings): trial for trial in part.tried} for part in parts)
        tried = [
            trial._replace(rows=[row for part in (first, *others) for row in part[text].rows])
            for text, trial in first.items()
            if all(text in part for part in others)
        ]
        return cls(search, tried, [name for name in parts[0].done if all(name in part.done for part in parts)])

    def write(self, store: Store) -> None:
        """In one step."""
        rows = [
            row | {"search": self.search.id, "candidate": i, "settings": settings_text(tried.settings)}
            | {"selections": list(tried.selections)}
            for i, tried in enumerate(self.tried)
            for row in tried.rows
        ]  # fmt: skip
        TrialRows(rows, list(self.done)).write(store.search(self.search.id))

    def of(self, selection: Selection) -> list[Trial]:
        """The candidates that a selection chooses from, and what they came to."""
        return [
            trial._replace(rows=[with_steps(row, selection.target) for row in trial.rows])
            for trial in self.tried
            if not trial.selections or selection.name in trial.selections
        ]

    def chosen(self, selection: Selection) -> Chosen | None:
        """What ``selection`` chooses; None where every candidate diverged."""
        return choose(self.search, self.of(selection), selection.metric)

    def rows(self, selection: Selection) -> Iterator[Row]:
        """The rows of ``TUNING``, without the arm: what was tried for a selection, ranked, and what it chose."""
        from study.store.schemas import TUNING

        names = [name for name in TUNING.names if name != "arm"]
        trials = self.of(selection)
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
        reached = next((step for step, value in values if target.met(value)), None)
    return row | {"steps_to_target": reached}


def settings_text(settings: Candidate) -> str:
    """As the column ``settings`` of runs and of searches has it."""
    return json.dumps(settings, sort_keys=True)


def settings_of(text: str) -> Candidate:
    return from_json(json.loads(text))


def from_json(settings: Mapping[str, Any]) -> Candidate:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
