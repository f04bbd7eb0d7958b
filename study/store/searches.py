"""A search file: what it says of itself, and its trials as rows, of two stores united."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from study.errors import Damaged
from study.store.files import write_parquet
from study.store.layout import Store
from study.store.seal import check, read_table

Row = dict[str, Any]


def selections(store: Store, search: str) -> list[str]:
    """The selections that a search was extended for; none where it has not begun, or is damaged. Changes nothing."""
    path = store.search(search)
    try:
        check(path)
    except (FileNotFoundError, Damaged):  # whoever makes it again will say so
        return []
    import pyarrow.parquet as pq  # only studies that tune pay for it

    return list(json.loads(pq.read_schema(path).metadata[b"selections"]))


def tuning_runs(store: Store, search: str) -> int:
    """How many runs of tuning seeds a search has made, which has begun."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(store.search(search)).num_rows)


class TrialRows(NamedTuple):
    """Rows of ``SEARCH`` in the order of their candidates, and the selections that the search was extended for."""

    rows: list[Row]
    done: list[str]

    @classmethod
    def read(cls, path: Path) -> TrialRows:
        """Raises Damaged where it is not what was written there."""
        check(path, older=True)
        table = read_table(path)
        return cls(table.to_pylist(), list(json.loads(table.schema.metadata[b"selections"])))

    def write(self, path: Path) -> None:
        """In one step."""
        import pyarrow as pa

        from study.store.schemas import SEARCH

        schema = SEARCH.with_metadata({"selections": json.dumps(self.done)})
        write_parquet(pa.Table.from_pylist(self.rows, schema), path)


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
