"""What a search file says of itself, read without its trials; one that is damaged counts as not begun."""

from __future__ import annotations

import json

from study.errors import Damaged
from study.store.layout import Store
from study.store.seal import check, of_search


def selections(store: Store, search: str) -> list[str]:
    """The selections that a search was extended for; none where it has not begun. Changes nothing."""
    path = store.search(search)
    try:
        check(path, of_search(search))
    except (FileNotFoundError, Damaged):  # whoever makes it again will say so
        return []
    import pyarrow.parquet as pq  # only studies that tune pay for it

    return list(json.loads(pq.read_schema(path).metadata[b"selections"]))


def tuning_runs(store: Store, search: str) -> int:
    """How many runs of tuning seeds a search has made, which has begun."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(store.search(search)).num_rows)
