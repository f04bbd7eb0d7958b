"""What a study reads from elsewhere: files of data, and a person's own code; found, and their checksums taken."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from study.axes.code import find, make_importable
from study.axes.custom import SETTINGS, Custom
from study.axes.dataset import Dataset
from study.axes.datasets.raw import Absent, Unfit
from study.axes.recipe import id_of_data
from study.axes.trainer import Command
from study.errors import Mistakes, join, suggest
from study.plan.file.matrix import Choices, key_place
from study.plan.plan import Plan
from study.store.checksums import Sums


class Sources:
    """Of a study file in ``folder``."""

    def __init__(self, folder: Path, sums: Sums, mistakes: Mistakes, last: Path) -> None:
        """``last``: the plan of the study, as it was made last."""
        self.folder, self.sums, self.mistakes, self.last = folder, sums, mistakes, last
        self.gone: dict[str, tuple[str, str]] = {}  # id of a dataset whose files are → where it is named, and what is
        self.places: dict[str, str] = {}  # factory → where it is named first
        self._datasets: dict[str, JsonValue] = {}  # as written → with its path and checksum

    def found(self, choices: Choices, searched: Mapping[str, str]) -> Choices:
        """``choices`` with where their data lie, and the checksums of data and code; what is not there is noted.

        ``searched``: settings that are, and where that is written.
        """
        return self._script(self._data(self._code(choices, searched)))

    def _data(self, choices: Choices) -> Choices:
        """The same, with the path of a dataset as it is seen from here, and its checksum."""
        written = choices.recipe["dataset"]
        if not isinstance(written, dict):  # it is a script's own
            return choices
        key = repr(written)
        if key not in self._datasets:
            self._datasets[key] = written
            try:
                dataset = Dataset.choices()[str(written["name"])].model_validate(written)
                if isinstance(dataset, Custom):
                    if dataset.code is None:  # which was noted
                        return choices
                    make_importable(str(self.folder))
                self._datasets[key] = self.sums.resolve(dataset, self.folder).model_dump(mode="json")
            except ValidationError:
                pass  # noted where the whole recipe is made
            except (OSError, Unfit) as error:
                absent = isinstance(error, FileNotFoundError | Absent)
                planned = self._planned(dataset) if absent else None
                if planned is not None:
                    at = choices.places.get("dataset.path", choices.places["dataset"])
                    self.gone[id_of_data(planned)] = at, str(error)
                    self._datasets[key] = planned.model_dump(mode="json")
                    return choices._replace(recipe=choices.recipe | {"dataset": self._datasets[key]})
                setting, lines = (error.setting, error.words) if isinstance(error, Unfit) else ("path", (str(error),))
                whole = choices.places["dataset"]
                own = join(whole, setting) if setting in type(dataset).model_fields else whole
                at = choices.places.get(f"dataset.{setting}", own)
                for words in lines:
                    self.mistakes.add(at, words)
        return choices._replace(recipe=choices.recipe | {"dataset": self._datasets[key]})

    def _planned(self, dataset: Dataset) -> Dataset | None:
        """What a dataset whose files are gone was planned as last; None where that is not known."""
        try:
            last = Plan.load(self.last)
        except (OSError, ValueError):
            return None
        for planned in last.datasets.values():
            aside = {name: getattr(planned, name) for name in ("found", "sha256", "md5") if hasattr(planned, name)}
            aside = {name: value for name, value in aside.items() if getattr(dataset, name) is None}
            moved, labels = {}, {"label": dataset.label}
            for name in ("path", "cache"):
                if written := getattr(dataset, name, None):
                    moved[name] = str(Path(last.folder, written))
            if dataset.model_copy(update=aside | moved) == planned.model_copy(update=labels):
                here = {name: str(self.folder / getattr(dataset, name)) for name in moved}
                return planned.model_copy(update=labels | here)
        return None

    def _code(self, choices: Choices, searched: Mapping[str, str]) -> Choices:
        """The same, with a digest of the code of every choice of a person's own. ``searched``: settings, and where."""
        found = dict(choices.recipe)
        for axis, written in choices.recipe.items():
            if not isinstance(written, dict) or not isinstance(factory := written.get("factory"), str):
                continue
            at = choices.places.get(f"{axis}.factory", choices.places[axis])
            self.places.setdefault(factory, at)
            try:
                code = find(factory, self.folder.resolve())
            except (LookupError, ValueError, OSError) as error:
                self.mistakes.add(at, str(error.args[0] if isinstance(error, LookupError) else error))
                continue
            if written.get("code") not in (None, code.digest):
                self.mistakes.add(
                    at, f"its code is {code.digest}, not {written['code']}; correct it, or restore the code"
                )
            before = len(self.mistakes)
            start = f"{axis}.{SETTINGS}"
            places = {key: place for key, place in {**choices.places, **searched}.items() if key.startswith(start)}
            for key, place in places.items():
                setting = key.removeprefix(start)
                if code.takes is not None and setting not in code.takes:
                    self.mistakes.add(key_place(place), suggest(setting, code.takes, f"setting of {factory}"))
            if len(self.mistakes) == before:
                found[axis] = written | {"code": code.digest}
        return choices._replace(recipe=found)

    def _script(self, choices: Choices) -> Choices:
        """The same, with a digest of the files that a command line names."""
        written = choices.recipe["trainer"]
        if not isinstance(written, dict) or written["name"] != "command":
            return choices
        try:
            trainer = Command.model_validate(written)
        except ValidationError:  # noted where the whole recipe is made
            return choices
        at = choices.places.get("trainer.run", join(choices.places["trainer"], "run"))
        program = shlex.split(trainer.run)[0]
        places = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])  # as of jobs
        if shutil.which(str(self.folder / program) if "/" in program else program, path=places) is None:
            self.mistakes.add(at, f"{program!r} is no program that can be run here; install it, or give its path")
        try:
            code = trainer.digest(self.folder, self.sums.sum)
        except OSError as error:
            self.mistakes.add(at, str(error))
            return choices
        if trainer.code not in (None, code):
            words = f"the code of its files is {code}, not {trainer.code}; correct it, or restore the files"
            self.mistakes.add(at, words)
        return choices._replace(recipe=choices.recipe | {"trainer": written | {"code": code}})
