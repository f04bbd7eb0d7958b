"""What every choice has in common: frozen, typed settings and a name that tells it apart."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Choice(BaseModel):
    """One value of an axis, with its settings.

    A concrete choice declares ``name: Literal[...]`` with that name as default. Settings are strict:
    the text "0.1" is not a number and true is not 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

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
