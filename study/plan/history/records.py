"""What a report is drawn from, by name and by content: records.json, whose change draws the report again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from study.axes.recipe import digest
from study.plan.plan import Plan
from study.store.files import write_if_changed
from study.store.layout import Store, owned

TIMING = "timing"  # stands beside the ids of arms


class Basis:
    """The records that are there for a plan, and what of them its results were drawn from.

    ``now``: a digest of the records of each arm that has any, and of the timing. Snakemake sees no more than that
    records of these names exist; so whoever builds the DAG, or collects, writes the digests into records.json.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        folder = store.study(plan.study)
        self.expected, self.drawn = folder / "records.json", folder / "drawn.json"
        self._memory = folder.with_name(f".{plan.study}.sums.json")
        self._sums = Sums(store.root, _read(self._memory))
        self._names = [*plan.arms, *[TIMING] * bool(plan.timing)]
        self.now = self._digests(plan, store)

    def _digests(self, plan: Plan, store: Store) -> dict[str, str]:
        files: dict[str, list[Path]] = {}
        for arm, blocks in store.present(plan.arms).items():
            search = plan.arms[arm].search
            files[arm] = [store.search(search.id)] if search else []
            for block, _ in owned(blocks, plan.seeds[arm]):
                files[arm] += [store.runs(arm, block), store.curves(arm, block)]
        if plan.timing:
            files[TIMING] = [store.timing(plan.timing.id)]
        return {name: found for name, paths in files.items() if (found := self._sums.digest(paths))}

    def expect(self, names: dict[str, Any]) -> None:
        """Write down what the report will draw on: ``names`` of records, there or still to be made, and contents."""
        self._write(names | {"contents": self.now})

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """While results are drawn from the records that are there now; which those were is in drawn.json afterwards.

        Their contents replace those in records.json: of records that were still to be made it has none, and at the
        next start they would look like new ones.
        """
        self.drawn.unlink(missing_ok=True)
        if expected := _read(self.expected):
            self._write(expected | {"contents": self.now})
        yield
        write_if_changed(self.drawn, json.dumps(self.now, indent=1) + "\n")

    def _write(self, expected: dict[str, Any]) -> None:
        write_if_changed(self.expected, json.dumps(expected, indent=1) + "\n")
        if self._sums.known != self._sums.seen:
            write_if_changed(self._memory, json.dumps(self._sums.seen) + "\n")

    @property
    def newer(self) -> list[str]:
        """The arms, or "timing", whose records are others, or fewer, than those drawn from; none where nobody knows."""
        drawn = _read(self.drawn)
        return [name for name in self._names if drawn.get(name) != self.now.get(name)] if drawn else []


class Sums:
    """SHA-256 of files. One is read again only when its size, mtime or ctime changed: a copy may keep its mtime."""

    def __init__(self, root: Path, known: dict[str, Any]) -> None:
        self.root, self.known = root, known
        self.seen: dict[str, Any] = {}

    def digest(self, paths: Iterable[Path]) -> str:
        """Of the names and contents of those that exist; empty where none does."""
        found = [(path.name, found) for path in paths if (found := self._sum(path))]
        return digest(json.dumps(found)) if found else ""

    def _sum(self, path: Path) -> str:
        try:
            about = os.stat(path)
            stamp = [about.st_size, about.st_mtime_ns, about.st_ctime_ns]
            name = str(path.relative_to(self.root))
            known = self.known.get(name)
            *was, found = known if isinstance(known, list) and known else [""]
            if was != stamp:
                with path.open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return ""
        self.seen[name] = [*stamp, found]
        return str(found)


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none, or it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
