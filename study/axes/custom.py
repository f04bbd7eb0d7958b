"""Choices of a person's own, by import path, with settings that are varied and tuned like all others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, Any

from pydantic import ConfigDict, Field, JsonValue, model_validator

from study.axes.base import Choice
from study.axes.code import find, make_importable

SETTINGS = "settings."  # what the key of a setting begins with, after the axis: ``network.settings.width``
IMPORT_PATH = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"


class Open(Choice):
    """A choice whose settings have names that a person gives: ``settings: {width: 64}`` is ``settings.width``."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[Annotated[str, Field(pattern=r"^settings\.[A-Za-z_]\w*$")], JsonValue]

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, given: Any) -> Any:
        return flat(given) if isinstance(given, dict) else given

    def keywords(self) -> dict[str, Any]:
        """The settings by the names that they were given."""
        return {key.removeprefix(SETTINGS): value for key, value in (self.__pydantic_extra__ or {}).items()}


class Custom(Open):
    """``factory``: import path of what makes it; importable from the folder of the study file, or installed.

    ``code``: a digest of what that does (``study.axes.code``); filled in at planning, refused where it differs.
    """

    factory: Annotated[str, Field(pattern=IMPORT_PATH)]
    code: str | None = None

    @property
    def title(self) -> str:
        return self.factory

    def call(self, *given: Any, **more: Any) -> Any:
        return resolve_name(self.factory)(*given, **more, **self.keywords())


def make_ready(choices: Iterable[object], folder: str) -> None:
    """Let what ``choices`` name be imported; ``folder``: of the study file.

    Raises ValueError where the code of one changed since it was planned.
    """
    make_importable(folder)
    for choice in choices:
        if not isinstance(choice, Custom) or choice.code is None:
            continue
        if find(choice.factory, Path(folder).resolve()).digest != choice.code:
            raise ValueError(f"{choice.factory}: its code changed since it was planned; run the study again")


def flat(written: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """A choice as it is written, its settings by keys of their own."""
    settings = written.get("settings")
    if not isinstance(settings, dict):
        return written
    return {key: value for key, value in written.items() if key != "settings"} | {
        f"{SETTINGS}{name}": value for name, value in settings.items()
    }
