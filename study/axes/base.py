"""What every choice has in common, and what other parts of the program must know of an axis."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Annotated, Any, ClassVar, Literal, Self, Union

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetPydanticSchema
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema
from pydantic_core.core_schema import nullable_schema

LARGEST = 1e38  # that float32 holds, all but the digits
Positive = Annotated[float, Field(gt=0, le=LARGEST, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


def _or_none(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    return nullable_schema(handler(source))


# Of an axis that the engine cannot do without, and that is None where a trainer is free of it and the study gives none.
# It is typed as the engine finds it: whoever else asks for it asks the trainer first, or expects None.
NEEDED = GetPydanticSchema(_or_none)
OPTIONAL = GetPydanticSchema(lambda source, handler: _or_none(source, handler))  # of one that stands for another
NOT_GIVEN: Any = None


class Frozen(BaseModel):
    """A value: it never changes, and has no keys but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Part(Frozen):
    """Of a file that a person writes: how it is checked is worked out when one is read, once for all its parts."""

    model_config = ConfigDict(defer_build=True)


class Choice(Frozen):
    """One value of an axis, with its settings.

    A concrete choice declares ``name: Literal[...]`` with that name as default. Settings are strict:
    the text "0.1" is not a number and true is not 1. As the type of a field, an axis is any of its choices.
    """

    axis: ClassVar[Axis]
    aside: ClassVar[tuple[str, ...]] = ()  # settings that change no result: no id has them, and nobody tunes them
    costly: ClassVar[tuple[str, ...]] = ()  # settings that decide how long a step takes by more than being 0 or not
    builder: ClassVar[str] = ""  # import path of what takes its settings, by their names: ``torch.nn.ReLU``
    internal: ClassVar[frozenset[str]] = frozenset()  # fields that planning fills in, no settings
    short: ClassVar[str] = ""  # the setting that says which choice is meant, so that it may stand without the name
    name: str

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = tuple(cls.choices().values())
        if not choices:
            return handler(source)
        return handler.generate_schema(Annotated[Union[choices], Field(discriminator="name")])  # noqa: UP007

    @classmethod
    def choices(cls) -> dict[str, type[Self]]:
        """All concrete choices of this axis by name: those of its own module in their order there, then those of
        others, whichever of them was imported first.
        """
        found: dict[str, type[Self]] = {}
        for sub in cls.__subclasses__():
            default = sub.model_fields["name"].default
            if isinstance(default, str):
                found[default] = sub
            found.update(sub.choices())
        home = cls.__module__
        return dict(sorted(found.items(), key=lambda item: (item[1].__module__ != home, item[1].__module__)))

    @classmethod
    def written(cls) -> dict[str, FieldInfo]:
        """The name and the settings: what may be written of it."""
        return {name: field for name, field in cls.model_fields.items() if name not in cls.internal}

    def call(self, *given: Any, **more: Any) -> Any:
        """What ``builder``, imported by now, makes of the arguments and the settings."""
        return resolve_name(self.builder)(*given, **self.model_dump(exclude={"name"}), **more)

    @property
    def title(self) -> str:
        """What it is called where its name alone stands."""
        return self.name

    def settings(self) -> dict[str, Any]:
        """The settings as JSON values, without the name."""
        return self.model_dump(mode="json", exclude={"name", *self.internal})

    def differing(self) -> dict[str, Any]:
        """The name and the settings that differ from their defaults: what enters an id."""
        if self.model_fields_set <= {"name"}:
            return {"name": self.name}
        return {"name": self.name} | self.model_dump(mode="json", exclude={"name", *self.aside}, exclude_defaults=True)

    @classmethod
    def description(cls) -> str:
        """The first paragraph of the docstring on one line."""
        return " ".join((cls.__doc__ or "").split("\n\n")[0].split())


@dataclass(frozen=True)
class Axis:
    """What other parts must know of something that a study can vary.

    It stands in the class of its choices; that of a number or a switch at its field of ``Recipe``.

    ``plural``: for messages. ``varies``: False for a switch, which a baseline sets for all arms of a comparison.
    ``shared``: whether runs that are stacked must share it. ``rated``: whether the best learning rate depends on it.
    ``step``: what of its value decides how long a step takes and how much memory. None: nothing does; ``bool``: whether
    it is 0 or false, which turns something off; ``whole``: every difference; ``operations``: of a choice, its name and
    which of its numbers are 0.
    ``length``: what it decides the number of steps of: an ``epoch``, and so a run; or a ``run`` alone; empty: neither.
    ``untunable``: why its value (or a setting of it) cannot be searched; empty where it can. ``instead_of``: the axis
    that is taken back where this one is given later. ``column``: its name in Parquet files, where its own means
    something else there. ``choices``: the class of
    its choices, None where it has none; ``AXES`` fills it in.
    """

    description: str
    plural: str
    varies: bool = True
    shared: bool = False
    rated: bool = False
    step: Callable[[Any], Hashable] | None = None
    length: Literal["", "epoch", "run"] = ""
    untunable: str = ""
    instead_of: str = ""
    column: str = ""
    choices: type[Choice] | None = None


def whole(value: Any) -> Hashable:
    """For ``Axis.step``: every difference between two values changes shapes or operations."""
    return value  # type: ignore[no-any-return]


def operations(choice: Choice) -> Hashable:
    """For ``Axis.step``: the name, the texts and what is ``costly``, and which numbers are zero, which may turn an
    operation off."""
    values = choice.settings().items()
    kinds = ((name, value) for name, value in values if isinstance(value, int | float | str))
    whole = (*choice.costly, *(name for name, value in values if isinstance(value, str)))
    return choice.name, tuple((name, value if name in whole else bool(value)) for name, value in kinds)


def canonical(content: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> str:
    """12 hex digits: what ids are."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
