"""Trainers: what turns runs into records. Ours, or a script of somebody's own, in any framework."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from study.axes.base import Axis, Choice, Positive, whole
from study.axes.code import of_script
from study.axes.custom import Open
from study.errors import suggest

Checksum = Callable[[Path], str]  # of a file
REQUIRED = ("recipe", "seed", "log")  # of a command line: what it reads, what it draws from, what it writes
PLACEHOLDERS = (*REQUIRED, "checkpoint")
PLACEHOLDER = re.compile(r"\{(\w*)\}")
SCRIPTS = (".py", ".sh", ".bash", ".R", ".r", ".jl", ".lua", ".pl", ".rb", ".js", ".ts", ".m")  # files that are run


class Trainer(Choice):
    axis = Axis("What turns runs into records.", "trainers", shared=True, step=whole)
    free: ClassVar[bool] = False  # whether an arm needs no axis but this one

    @property
    def pace(self) -> str:
        """Equal for those whose runs are taken to need as long, as far as the trainer decides that."""
        return self.name

    def check(self, folder: Path, checksum: Checksum) -> None:
        """Raises ValueError where it is not what it was when it was planned; ``folder``: of the study file."""


class Engine(Trainer):
    """The training of this program, in which runs are stacked."""

    name: Literal["engine"] = "engine"


def _possible(run: str) -> str:
    """Raises PydanticCustomError where a command line cannot be taken apart, or has not the placeholders."""
    try:
        words = shlex.split(run)
    except ValueError as error:
        raise PydanticCustomError("words", f"is no command line ({error}); close what is quoted") from None
    found = [name for word in words for name in PLACEHOLDER.findall(word)]
    if unknown := [name for name in found if name not in PLACEHOLDERS]:
        raise PydanticCustomError(
            "words", suggest(f"{{{unknown[0]}}}", [f"{{{p}}}" for p in PLACEHOLDERS], "placeholder")
        )
    if lacking := [f"{{{name}}}" for name in REQUIRED if name not in found]:
        example = "python train.py --recipe {recipe} --seed {seed} --log {log}"
        raise PydanticCustomError("words", f"has no {', '.join(lacking)}; write it such as '{example}'")
    if PLACEHOLDER.search(words[0]):
        raise PydanticCustomError("words", f"{words[0]!r} is no program; begin with one, such as python")
    return run


def called(run: str) -> str:
    """What people call a command line: by its script, else by its module or its program, without folders."""
    words = shlex.split(run)
    script = next((word for word in words if word.endswith(SCRIPTS)), None)
    module = next((word for before, word in pairwise(words) if before == "-m"), words[0])
    return Path(script or module).name


class Command(Trainer, Open):
    """A script of your own, in any framework, run once for each arm and seed ([how](../docs/script.md)).

    ``run``: its command line, without a shell, in the folder of the study file. ``{recipe}`` is a JSON file of the
    settings, ``{log}`` the file to which it writes a JSON line for each evaluation, ``{checkpoint}`` a path to keep its
    state at. ``timeout``: seconds that a start may take. ``code``: a digest of its files; filled in at planning,
    refused where it differs.
    """

    name: Literal["command"] = "command"
    run: Annotated[str, AfterValidator(_possible)]
    timeout: Positive | None = None
    code: str | None = None
    free = True
    aside = ("timeout",)

    def words(self, values: Mapping[str, object]) -> list[str]:
        """The command line, with ``values`` for its placeholders."""
        return [PLACEHOLDER.sub(lambda found: str(values[found[1]]), word) for word in shlex.split(self.run)]

    @property
    def title(self) -> str:
        return called(self.run)

    @property
    def pace(self) -> str:
        return self.run

    def digest(self, folder: Path, checksum: Checksum) -> str:
        """Of all files that its command line names: of Python's what they do, of others their content.

        ``folder``: of the study file; ``checksum``: of a file not Python's. Raises OSError where one is missing.
        """
        home = folder.resolve()
        found = {
            str(file): of_script(home / file, home) if file.suffix == ".py" else checksum(home / file)
            for file in self.files(folder)
        }
        return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:12]

    def check(self, folder: Path, checksum: Checksum) -> None:
        """Raises ValueError where its files changed since it was planned, whatever was seen of them before."""
        of_script.cache_clear()
        if self.code is not None and self.digest(folder, checksum) != self.code:
            raise ValueError(f"{self.run}: its files changed since it was planned; run the study again")

    def files(self, folder: Path) -> Iterator[Path]:
        """The files that its command line names, as seen from ``folder``: scripts, and whatever else is there.

        Raises FileNotFoundError where a script is not.
        """
        words = shlex.split(self.run)
        for before, word in zip(["", *words], words, strict=False):
            value = word.partition("=")[2] if word.startswith("-") else word  # --config=base.json
            if before == "-m":  # a module may be installed, and is then none of these files
                value = f"{word.replace('.', '/')}.py"
                value = value if (folder / value).is_file() else f"{word.replace('.', '/')}/__main__.py"
            if not value or PLACEHOLDER.search(value) or (not before and "/" not in word):
                continue
            if (folder / value).is_file():
                yield Path(value)
            elif value.endswith(SCRIPTS) and before != "-m":
                raise FileNotFoundError(f"there is no file {value!r}; give a path relative to the study file")
