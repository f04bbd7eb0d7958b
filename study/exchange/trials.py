"""The trials of a search as rows: of two stores, united."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from study.exchange.holdings import Row
from study.store.seal import check, of_search, read_table


class TrialRows(NamedTuple):
    """Rows of ``SEARCH`` in the order of their candidates, and the selections that the search was extended for."""

    rows: list[Row]
    done: list[str]


def read_trials(path: Path, search: str) -> TrialRows:
    """Raises Damaged where it is not what was written there."""
    check(path, of_search(search), older=True)
    table = read_table(path)
    return TrialRows(table.to_pylist(), list(json.loads(table.schema.metadata[b"selections"])))


def write_trials(trials: TrialRows, path: Path, search: str) -> None:
    import pyarrow as pa

    from study.store.files import write_parquet
    from study.store.schemas import SEARCH

    schema = SEARCH.with_metadata({"selections": json.dumps(trials.done)})
    write_parquet(pa.Table.from_pylist(trials.rows, schema), path, of_search(search))


def united(here: TrialRows, there: TrialRows) -> TrialRows | None:
    """The candidates of both, those of ``here`` first, with the selections that either has; None where it has all.

    A first trial serves all selections, which the empty list says; a further one those that are named.
    """
    found: dict[str, dict[int, Row]] = {}
    for row in [*here.rows, *there.rows]:
        seeds = found.setdefault(row["settings"], {})
        kept = seeds.get(row["seed"])
        if kept is None:
            seeds[row["seed"]] = dict(row)
        elif not kept["selections"] or not row["selections"]:
            kept["selections"] = []
        else:
            kept["selections"] = list(dict.fromkeys([*kept["selections"], *row["selections"]]))
    done = list(dict.fromkeys([*here.done, *there.done]))
    rows = [row | {"candidate": i} for i, seeds in enumerate(found.values()) for row in seeds.values()]
    both = TrialRows(rows, done)
    return None if both == here else both
