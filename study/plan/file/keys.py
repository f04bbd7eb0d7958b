"""Keys of a study file that name an axis (``optimizer``) or a setting (``optimizer.lr``), and models made of them.

The values are typed by the choices themselves: for every choice there is a model of the same settings, none of which
is required, since other keys of the file may give them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    PrivateAttr,
    Tag,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    create_model,
    model_validator,
)
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from study.axes.base import Choice
from study.axes.recipe import AXES, Recipe

VARIED = tuple(axis for axis, about in AXES.items() if about.varies)
CHOICES = {axis: about.choices for axis, about in AXES.items() if about.choices}


class Part(BaseModel):
    """A part of a study file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Keyed(Part):
    """A part whose keys are axes and settings. It remembers the order in which they were written."""

    keys: ClassVar[tuple[str, ...]] = ()
    _written: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="wrap")
    @classmethod
    def _in_order(cls, content: object, handler: ValidatorFunctionWrapHandler) -> Self:
        made: Self = handler(content)
        if isinstance(content, Mapping):
            made._written = tuple(key for key in content if key in cls.keys)
        return made

    def items(self) -> Iterator[tuple[str, JsonValue]]:
        """The axes and settings that are written, with their values."""
        content = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        for key in self._written:
            yield key, content[key]


def literals(name: str, described: Mapping[str, str]) -> Any:
    """A type of the names of ``described``; the JSON Schema has their descriptions."""
    options = (Annotated[Literal[word], Tag(f"<{word}>"), Field(description=text)] for word, text in described.items())
    union: Any = Annotated[Union[tuple(options)], Discriminator(_tag)]  # noqa: UP007
    return _named(name, union)


@cache
def written(axis: str) -> Any:
    """The type of what is written on an axis: a number, or a choice as a bare name or with some of its settings."""
    field = Recipe.model_fields[axis]
    if axis not in CHOICES:
        return Annotated[_type(field), Field(description=AXES[axis].description)]
    options: list[Any] = []
    for name, choice in CHOICES[axis].choices().items():
        about, mark = Field(description=choice.description()), Tag(f"<{name} …>")
        options += [Annotated[Literal[name], Tag(f"<{name}>"), about], Annotated[_partial(axis, choice), mark]]
    about = Field(description=AXES[axis].description)
    union: Any = Annotated[Union[tuple(options)], Discriminator(_tag), about]  # noqa: UP007
    return _named(axis, union)


def _partial(axis: str, choice: type[Choice]) -> type[Part]:
    """The choice as it may be written: no setting but the name is required."""
    name = choice.model_fields["name"].default
    fields: dict[str, Any] = {"name": (_type(choice.model_fields["name"]), ...)}
    fields |= {setting: (_type(choice.model_fields[setting]), _unset()) for setting in settings_of(choice)}
    titled = {"title": name}
    return create_model(f"{axis}_{name}", __base__=Part, __doc__=choice.description(), __cls_kwargs__=titled, **fields)


def settings_of(choice: type[Choice]) -> list[str]:
    return [field for field in choice.model_fields if field != "name"]


def settings(axis: str, value: JsonValue) -> dict[str, JsonValue]:
    """All settings of a choice as it is written, with its name; those left out by default, None where that is none."""
    assert isinstance(value, dict)
    return {**_defaults(axis, str(value["name"])), **value}


@cache
def _defaults(axis: str, name: str) -> dict[str, JsonValue]:
    fields = CHOICES[axis].choices()[name].model_fields
    values = {setting: None if about.is_required() else about.default for setting, about in fields.items()}
    return {setting: list(value) if isinstance(value, tuple) else value for setting, value in values.items()}


@cache
def owners(axis: str) -> dict[str, list[type[Choice]]]:
    """The settings of an axis, each with the choices that have it; none where the axis is a number."""
    found: dict[str, list[type[Choice]]] = {}
    for choice in CHOICES[axis].choices().values() if axis in CHOICES else ():
        for setting in settings_of(choice):
            found.setdefault(setting, []).append(choice)
    return found


def setting_keys() -> dict[str, list[type[Choice]]]:
    """``optimizer.lr`` and all others, each with the choices that have it."""
    return {f"{axis}.{setting}": homes for axis in CHOICES for setting, homes in owners(axis).items()}


@cache
def setting(key: str) -> Any:
    """The type of a setting's value: what any of the choices that have it takes."""
    homes, name = setting_keys()[key], key.partition(".")[2]
    kinds = {repr(kind): kind for home in homes for kind in [_type(home.model_fields[name])]}
    names = ", ".join(home.model_fields["name"].default for home in homes)
    union: Any = Union[tuple(kinds.values())]  # noqa: UP007
    return _named(key.replace(".", "-"), Annotated[union, Field(description=f"A setting of {names}.")])


def kinds(axes: Iterable[str]) -> dict[str, Any]:
    """The type of what is written at each of ``axes``, and at each setting of their choices."""
    axes = list(axes)
    settings = {key: setting(key) for key in setting_keys() if key.partition(".")[0] in axes}
    return {axis: written(axis) for axis in axes} | settings


def keyed(
    name: str, doc: str, kinds: Mapping[str, Any], required: Collection[str] = (), base: type[Keyed] = Keyed
) -> type[Keyed]:
    """A model with the keys of ``kinds``, by the type of their values; dots in keys are two underscores in names."""
    fields: dict[str, Any] = {
        key.replace(".", "__"): (kind, ... if key in required else _unset(key)) for key, kind in kinds.items()
    }
    made = create_model(name, __base__=base, __doc__=doc, **fields)
    made.keys = tuple(kinds)
    return made


@cache
def number(axis: str) -> TypeAdapter[int | float]:
    """Checks the values of an axis that is a number."""
    return TypeAdapter(_type(Recipe.model_fields[axis]))


@cache
def kind_of(key: str, home: type[Choice] | None) -> str | None:
    """``real``, ``whole`` or ``widths`` (a list of whole numbers); None for what cannot be searched.

    ``home``: the choice that has the setting; None where ``key`` is an axis.
    """
    axis, _, name = key.partition(".")
    field = home.model_fields[name] if home else Recipe.model_fields[axis]
    schema = TypeAdapter(_type(field)).json_schema()
    if schema.get("type") == "array":
        return "widths" if schema.get("items", {}).get("type") == "integer" and "prefixItems" not in schema else None
    return {"number": "real", "integer": "whole"}.get(schema.get("type", ""))


def searchable() -> list[str]:
    """The keys that can be searched: numbers, and lists of widths."""
    homes = {axis: [None] for axis in VARIED if axis not in CHOICES} | setting_keys()
    allowed = [key for key in homes if not AXES[key.partition(".")[0]].untunable]
    return [key for key in allowed if any(kind_of(key, home) for home in homes[key])]


def _named(name: str, kind: Any) -> Any:
    """A type that is written once in the JSON Schema, under ``name``; a dot in it would count as that of a module."""
    alias: Any = TypeAliasType
    return alias(name, kind)


def _unset(alias: str | None = None) -> Any:
    """A default that stands for nothing, and is not in the JSON Schema."""
    return Field(None, alias=alias, json_schema_extra=lambda schema: schema.pop("default", None) and None)


def _type(field: FieldInfo) -> Any:
    """The annotation of a field with its bounds."""
    bounds = [bound for bound in field.metadata if not hasattr(bound, "untunable")]
    return Annotated[(field.annotation, *bounds)] if bounds else field.annotation


def _tag(given: object) -> str | None:
    """Which part of a union is meant; in marks that no key of a file has, so that they can be told from keys."""
    if isinstance(given, str):
        return f"<{given}>"
    name = given.get("name") if isinstance(given, Mapping) else getattr(given, "name", None)
    return None if name is None else f"<{name} …>"
