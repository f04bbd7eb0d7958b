"""Whether a store holds what was written to it, and all that its studies need."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from study.axes.recipe import RECIPE
from study.errors import Damaged, Refused
from study.exchange.arms import plans
from study.plan.arm import Arm
from study.plan.damage import check_recipe
from study.plan.history import History
from study.plan.plan import Plan
from study.store.checksums import file_sum
from study.store.layout import Block, Store
from study.store.notes import read_note
from study.store.seal import ASIDE, check, check_archive
from study.store.searches import selections
from study.wording import counted

SHOWN = 5  # arms of a study with runs that are missing
NOTES: dict[str, Callable[[Path], object]] = {"plan.json": Plan.load, "history.json": History.at}  # by name


class Verification:
    """``faults``: a line each; ``files``, and those of them without a checksum: how many were read."""

    def __init__(self, store: Store) -> None:
        self.store, self.faults, self.bad = store, list[str](), set[Path]()
        self.files = self.bare = self.runs = 0
        for folder in sorted((store.root / "arms").glob("*")):
            self._arm(folder)
        for part in ("searches", "timing"):
            for path in sorted((store.root / part).glob("*.parquet")):
                self._try(path, self._parquet)
        for path in sorted((store.root / "datasets").glob("*.npz")):
            self._try(path, check_archive)
        for pattern in ("arms/*/failed-*", "searches/failed-*", "timing/*.failed", "jobs/*", "studies/*/*"):
            for path in sorted([*store.root.glob(f"{pattern}.json"), *store.root.glob(f"{pattern}.done")]):
                self._try(path, NOTES.get(path.name, read_note))
        for path in sorted(store.root.glob(f"*/**/*{ASIDE}")):
            if not path.with_name(path.name.removesuffix(ASIDE)).exists():
                self.faults.append(f"{path}: was set aside as damaged, and not made again")
        self.studies = plans(store)
        for plan in self.studies:
            self._study(plan)

    def _arm(self, folder: Path) -> None:
        arm, paths = folder.name, sorted(folder.glob("*.parquet"))
        for path in paths:
            block = Block.of(path.name)
            halves = {self.store.runs(arm, block), self.store.curves(arm, block)} if block else set()
            if path in halves:
                self._try(path, self._parquet)
                for other in halves.difference(paths):
                    self.faults.append(f"{other}: is missing; its other half is there")
            else:
                self.faults.append(f"{path}: is no record of an arm; take it away")
        if self.store.recipe(arm).exists():
            self._try(self.store.recipe(arm), _check_recipe)

    def _study(self, plan: Plan) -> None:
        """What is missing of it."""
        store, folder = self.store, self.store.study(plan.study)
        for path in store.tables(plan.study):
            if path.exists():
                self._try(path, self._parquet)
        gaps = plan.missing(store)
        self.runs += sum(plan.seeds.values())
        for name, blocks in list(gaps.items())[:SHOWN]:
            seeds = ", ".join(map(str, blocks))
            self.faults.append(f"{store.arm(name)}: {plan.names[name]}: seeds {seeds} are missing")
        if len(gaps) > SHOWN:
            self.faults.append(f"{folder}: and runs of {counted(len(gaps) - SHOWN, 'more arm')} are missing")
        for name, arm in plan.arms.items():
            for search in plan.searches_of(name):
                if store.search(search.id) in self.bad:
                    continue
                if arm.selection and arm.selection.name not in selections(store, search.id):
                    words = f"{plan.names[name]}: its search has no trials for {arm.selection.name}"
                    self.faults.append(f"{store.search(search.id)}: {words}")
        if timing := plan.untimed(store):
            self.faults.append(f"{store.timing(timing.id)}: the timing of {plan.study} is missing")
        if not (folder / "report.html").exists():
            self.faults.append(f"{folder / 'report.html'}: is missing; run the study")

        if store.drawn(plan.study).exists():
            self._try(store.drawn(plan.study), lambda path: self._drawn(folder, read_note(path).get("files", {})))

    def _drawn(self, folder: Path, sums: dict[str, str]) -> None:
        """The page, tables and figures of a study, by their ``sums``."""
        for name, known in sums.items():
            self.files += 1
            path = folder / name
            if path.exists() and file_sum(path) != known:
                self.faults.append(f"{path}: has changed since it was drawn; delete it, and run the study")
            elif not path.exists() and name != "report.html":
                self.faults.append(f"{path}: is missing; run the study")

    def _parquet(self, path: Path) -> None:
        self.bare += not check(path)

    def _try(self, path: Path, read: Callable[[Path], object]) -> None:
        self.files += 1
        try:
            read(path)
        except Damaged as damaged:
            self.bad.add(path)
            self.faults.append(str(damaged))
        except Refused as refused:
            self.faults += refused.lines
        except (OSError, ValueError, RecursionError) as error:
            self.bad.add(path)
            self.faults.append(f"{path}: is damaged: it cannot be read ({type(error).__name__})")

    @property
    def summary(self) -> str:
        bare = f", {self.bare} of them without a checksum" * bool(self.bare)
        files = f"{counted(self.files, 'file')} as written{bare}"
        runs, studies = counted(self.runs, "run"), counted(len(self.studies), "study")
        return f"{self.store.root}/: {files}; all {runs} of {studies} there"


def _check_recipe(path: Path) -> None:
    """Raises Damaged where a recipe is not that of its arm; of one of another recipe version it is not known."""
    check_recipe(path)
    content = read_note(path)
    ours = content.get("recipe_version") == RECIPE
    if ours and Arm.model_validate_json(json.dumps(content.get("recipe"))).id != path.parent.name:
        raise Damaged(path, "is damaged: its content has another id")
