"""What tuning chose for an arm, read from its tuning.parquet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from study.plan.arm import Arm
from study.plan.searches.selection import Candidate
from study.store.layout import Store

NOTHING_CHOSEN = "tuning"  # the reason of runs that are diverged because every candidate was


class Chosen(NamedTuple):
    settings: Candidate
    sides: dict[str, str]  # edges that the candidate lies on: setting → low or high
    undertuned: bool
    next: list[Candidate]  # to be tried, where undertuned


def read_chosen(path: Path) -> Chosen | None:
    """What is chosen in the tuning.parquet at ``path``; None where every candidate diverged."""
    import pyarrow.parquet as pq  # planning reads none

    from study.store.schemas import TUNING

    names = ["settings", "edge", "undertuned", "next"]
    rows = pq.read_table(path, schema=TUNING, columns=names, filters=[("chosen", "=", True)]).to_pylist()
    return chosen_of(rows[0]) if rows else None


def chosen_of(row: Mapping[str, Any]) -> Chosen:
    """The chosen candidate from one of its rows in tuning.parquet."""
    following = [from_json(settings) for settings in json.loads(row["next"] or "[]")]
    sides = json.loads(row["edge"] or "{}")
    return Chosen(from_json(json.loads(row["settings"])), sides, bool(row["undertuned"]), following)


def from_json(settings: dict[str, Any]) -> Candidate:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}


def settings_text(settings: Candidate) -> str:
    """As the column ``settings`` of runs and of tuning has it."""
    return json.dumps(settings, sort_keys=True)


def used(arm: Arm, tuned: Arm | None) -> str | None:
    """The settings that ``tuned`` has of what ``arm`` searches; None where nothing is searched, or was chosen."""
    if arm.tune is None or tuned is None:
        return None
    return settings_text({key: tuned.value(key) for key in arm.tune.covers})


def settled(arm: Arm, store: Store) -> Arm | None:
    """The arm with the settings that tuning chose, itself where nothing is tuned; None where every candidate diverged.

    Raises FileNotFoundError before it is tuned.
    """
    if arm.tune is None:
        return arm
    path = store.tuning(arm.id)
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file; first run: python -m study tune {store.root} {arm.id}")
    chosen = read_chosen(path)
    return arm.settled(chosen.settings) if chosen else None
