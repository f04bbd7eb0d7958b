"""What a report is drawn from: records.json, with digests of contents, whose change draws the report again.

It is a file of its own, and not part of history.json, because Snakemake needs an input whose mtime changes when records
do, and only then. What is still to be made is not in it: the receipts of jobs are inputs of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from study.plan.history import History
from study.plan.plan import Plan
from study.store.checksums import Sums
from study.store.files import write_if_changed
from study.store.layout import Store, owned

TIMING = "timing"  # stands beside the ids of arms


class Freshness:
    """The records that are there for a plan, and what of them its results were drawn from.

    ``now``: a digest of the records of each arm that has any, and of the timing. Whoever builds the DAG, or collects,
    writes the digests into records.json.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        folder = store.study(plan.study)
        self.plan, self.store, self.expected = plan, store, folder / "records.json"
        self._sums = Sums(folder.with_name(f".{plan.study}.sums.json"))
        files: dict[str, list[Path]] = {}
        for arm, blocks in store.present(plan.arms).items():
            search = plan.arms[arm].search
            files[arm] = [store.search(search.id)] if search else []
            for block, _ in owned(blocks, plan.seeds[arm]):
                files[arm] += [store.runs(arm, block), store.curves(arm, block)]
        if plan.timing:
            files[TIMING] = [store.timing(plan.timing.id)]
        self.now = {name: found for name, paths in files.items() if (found := self._sums.digest(paths))}

    def expect(self, failures: Sequence[str]) -> None:
        """Write down what the report will draw on, beside what jobs still make: records, and ``failures`` it tells."""
        self._write({"failures": failures, "contents": self.now})

    @contextmanager
    def drawing(self, history: History) -> Iterator[None]:
        """While results are drawn from the records that are there now; which those were is in ``history`` afterwards.

        Their contents replace those in records.json: of records that were still to be made it has none, and at the
        next start they would look like new ones.
        """
        history.drawn = {}
        history.write()
        if self.expected.exists():
            self._write(json.loads(self.expected.read_text(encoding="utf-8")) | {"contents": self.now})
        yield
        history.drawn = self.now
        history.write()

    def _write(self, expected: dict[str, Any]) -> None:
        write_if_changed(self.expected, json.dumps(expected, indent=1) + "\n")
        self._sums.keep()

    def newer(self) -> list[str]:
        """The arms, or "timing", whose records are others, or fewer, than those drawn from; none where nobody knows."""
        drawn = History.read(self.plan, self.store).drawn
        names = [*self.plan.arms, *[TIMING] * bool(self.plan.timing)]
        return [name for name in names if drawn.get(name) != self.now.get(name)] if drawn else []
