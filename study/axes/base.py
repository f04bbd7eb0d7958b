"""What every choice has in common, and what other parts of the program must know of an axis."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self, Union

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Frozen(BaseModel):
    """A value: it never changes, and has no keys but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Choice(Frozen):
    """One value of an axis, with its settings.

    A concrete choice declares ``name: Literal[...]`` with that name as default. Settings are strict:
    the text "0.1" is not a number and true is not 1.
    """

    name: str

    @classmethod
    def choices(cls) -> dict[str, type[Self]]:
        """All concrete choices of this axis by name, in the order in which they are written."""
        found: dict[str, type[Self]] = {}
        for sub in cls.__subclasses__():
            default = sub.model_fields["name"].default
            if isinstance(default, str):
                found[default] = sub
            found.update(sub.choices())
        return found

    def settings(self) -> dict[str, Any]:
        """The settings as JSON values, without the name."""
        return self.model_dump(mode="json", exclude={"name"})

    def differing(self) -> dict[str, Any]:
        """The name and the settings that differ from their defaults: what enters an id."""
        return {"name": self.name} | self.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)

    @classmethod
    def description(cls) -> str:
        """The first paragraph of the docstring on one line."""
        return " ".join((cls.__doc__ or "").split("\n\n")[0].split())


@dataclass(frozen=True)
class Axis:
    """What other parts must know of something that a study can vary. It stands at the axis's field of ``Recipe``.

    ``choices``: the class of its choices; None where it is a number or a switch. ``plural``: for messages.
    ``varies``: False for a switch, which a baseline sets for all arms of a comparison. ``shared``: whether runs that
    are stacked must share it. ``rated``: whether the best learning rate depends on it. ``step``: what of its value
    decides how long a step takes and how much memory; None where nothing does. ``untunable``: why its value (or a
    setting of it) cannot be searched; empty where it can.
    """

    description: str
    plural: str
    choices: type[Choice] | None = None
    varies: bool = True
    shared: bool = False
    rated: bool = False
    step: Callable[[Any], Hashable] | None = None
    untunable: str = ""


def whole(value: Any) -> Hashable:
    """For ``Axis.step``: every difference between two values changes shapes or operations."""
    return value  # type: ignore[no-any-return]


def operations(choice: Choice) -> Hashable:
    """For ``Axis.step``: the name, and which numbers are zero, since zero may turn an operation off."""
    values = choice.settings().items()
    return choice.name, tuple((name, bool(value)) for name, value in values if isinstance(value, int | float))


if not TYPE_CHECKING:

    def tagged(choices: type[Choice]) -> Any:
        """All choices of an axis as one union, told apart by ``name``."""
        return Annotated[Union[tuple(choices.choices().values())], Field(discriminator="name")]  # noqa: UP007
