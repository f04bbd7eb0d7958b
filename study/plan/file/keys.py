"""Keys of a study file that name an axis (``optimizer``) or a setting (``optimizer.lr``), and what they take.

The choices themselves type them: for every choice there is a model of the same settings, none of which is required,
since other keys of the file may give them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union

from pydantic import (
    ConfigDict,
    Discriminator,
    Field,
    GetPydanticSchema,
    JsonValue,
    Tag,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
)
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from study.axes.base import NEEDED, OPTIONAL, Axis, Choice, Frozen, Part
from study.axes.custom import SETTINGS, Open
from study.axes.recipe import AXES, REQUIRED, Recipe
from study.axes.trainer import Trainer
from study.plan.search import Value

OPEN = {  # axes with a choice whose settings have names of a person's own
    axis
    for axis, about in AXES.items()
    if about.choices and any(issubclass(c, Open) for c in about.choices.choices().values())
}
VARIED = tuple(axis for axis, about in AXES.items() if about.varies)
CHOICES = {axis: about.choices for axis, about in AXES.items() if about.choices}
SHORT = {  # the setting that may stand for the name of its choice
    choice.short: name for kind in CHOICES.values() for name, choice in kind.choices().items() if choice.short
}
Written = dict[str, JsonValue]  # axis or setting → value
Name = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]
UNSET = Field(default_factory=lambda: None)  # of a key that is not there; no default in the JSON Schema


def checked_as(kind: object) -> GetPydanticSchema:
    """Annotates a field that is checked as another type, which is made of the axes when the program begins."""
    return GetPydanticSchema(lambda source, handler: handler.generate_schema(kind))


@cache
def owners() -> dict[str, list[type[Choice]]]:
    """Every setting (``optimizer.lr``) with the choices that have it."""
    found: dict[str, list[type[Choice]]] = {}
    for axis, kind in CHOICES.items():
        for choice in kind.choices().values():
            for setting in choice.written():
                found.setdefault(f"{axis}.{setting}", []).append(choice)
        del found[f"{axis}.name"]
    return found


def of_axis(axis: str) -> object:
    """A number, or a choice as a bare name or with some of its settings."""
    about = Field(description=AXES[axis].description)
    if axis not in CHOICES:
        return Annotated[_type(Recipe.model_fields[axis]), about]
    options: list[object] = []
    for name, choice in CHOICES[axis].choices().items():
        options += [word(name, choice.description()), Annotated[_partial(axis, name, choice), Tag(f"<{name} …>")]]
    return union(axis, options, Discriminator(tag), about)


def _partial(axis: str, name: str, choice: type[Choice]) -> type[Frozen]:
    """The choice as it may be written: no setting but the name is required."""
    kinds = {setting: _type(field) for setting, field in choice.written().items()}
    if issubclass(choice, Open):
        kinds["settings"] = Annotated[dict[Name, JsonValue], Field(description="By the names that the factory has.")]
    return create_model(
        f"{axis}_{name}",
        __base__=Part,
        __doc__=choice.description(),
        __cls_kwargs__={"title": name},
        **fields(kinds, [choice.short or "name"]),
    )


def of_setting(key: str, homes: list[type[Choice]]) -> object:
    """What any of the choices that have the setting takes."""
    kinds = {repr(kind): kind for home in homes for kind in [_type(home.model_fields[key.partition(".")[2]])]}
    names = ", ".join(home.model_fields["name"].default for home in homes)
    return union(key.replace(".", "-"), kinds.values(), Field(description=f"A setting of {names}."))


def fields(kinds: Mapping[str, object], required: Collection[str] = ()) -> dict[str, Any]:
    """The fields of a model with these keys, by the type of their values; as ``create_model`` takes them."""
    return {key: (kind, ... if key in required else UNSET) for key, kind in kinds.items()}


class BaselinePart(Part):
    """Of a study's baseline: what must be there unless a trainer of a person's own brings all that (``read``)."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": [*REQUIRED]}, {"required": ["trainer"]}]})


def mapping(
    name: str, doc: str, kinds: Mapping[str, object], own: object = JsonValue, base: type[Frozen] = Part
) -> object:
    """A type of mappings with such keys; they are checked and kept as they are written, in their order.

    ``own``: what a setting of a choice of a person's own takes (``network.settings.width``).
    """

    def as_written(content: Written, check: ValidatorFunctionWrapHandler) -> Written:
        """Kept as written: it is laid over a baseline first, and typed with that as a whole (``Recipe``)."""
        check(content)
        return content

    model = create_model(name, __base__=with_own(own, kinds, base), __doc__=doc, **fields(kinds))
    return Annotated[model, WrapValidator(as_written)]


def is_free(trainer: object) -> bool:
    """Whether a trainer, as it may be written, brings all other axes; one that there is not may be meant so."""
    name = trainer.get("name") if isinstance(trainer, Mapping) else trainer
    choice = Trainer.choices().get(str(name))
    return name is not None and (choice is None or choice.free)


def is_own(key: str) -> bool:
    """Whether a key is a setting of a choice of a person's own: ``network.settings.width``."""
    return key.partition(".")[2].startswith(SETTINGS)


def with_own(kind: Any, axes: Collection[str], base: type[Frozen]) -> type[Frozen]:
    """A ``base`` of models that take, beside their fields, settings of a person's own: those of ``axes``."""
    pattern = rf"^({'|'.join(sorted(OPEN.intersection(axes)))})\.settings\.[A-Za-z_]\w*$"

    class WithOwn(base):  # type: ignore[misc, valid-type]
        model_config = ConfigDict(extra="allow")
        __pydantic_extra__: dict[Annotated[str, Field(pattern=pattern)], kind]  # a variable is a type only as Any

    return WithOwn


@cache
def adapter(key: str, home: type[Choice] | None) -> TypeAdapter[object]:
    """Checks the values of a setting of the choice ``home``, or where that is None those of an axis."""
    if is_own(key):
        return TypeAdapter(Value)
    field = home.model_fields[key.partition(".")[2]] if home else Recipe.model_fields[key]
    return TypeAdapter(_type(field))


@cache
def kind_of(key: str, home: type[Choice] | None) -> str | None:
    """``real``, ``whole`` or ``widths`` (a list of whole numbers); None for what cannot be searched. No own setting."""
    if home and key.partition(".")[2] in home.aside:
        return None
    whole = adapter(key, home).json_schema()
    given = [option for option in whole.get("anyOf", [whole]) if option.get("type") != "null"]
    schema = given[0] if len(given) == 1 else whole
    if schema.get("type") == "array":
        return "widths" if schema.get("items", {}).get("type") == "integer" and "prefixItems" not in schema else None
    return {"number": "real", "integer": "whole"}.get(schema.get("type", ""))


def searchable() -> list[str]:
    """The keys that can be searched: numbers, and lists of widths."""
    homes = {axis: [None] for axis in VARIED if axis not in CHOICES} | owners()
    allowed = [key for key in homes if not AXES[key.partition(".")[0]].untunable]
    return [key for key in allowed if any(kind_of(key, home) for home in homes[key])]


def word(name: str, description: str) -> object:
    """A name that may be written."""
    return Annotated[Literal[name], Tag(f"<{name}>"), Field(description=description)]


def union(name: str, options: Iterable[object], *about: object) -> object:
    """A type that is written once in the JSON Schema, under ``name``; a dot in it would count as that of a module."""
    alias: Callable[[str, object], object] = TypeAliasType
    return alias(name, Annotated[(Union[tuple(options)], *about)])  # noqa: UP007


def _type(field: FieldInfo) -> Any:
    """The annotation of a field with its bounds, as ``TypeAdapter`` takes it."""
    bounds = [bound for bound in field.metadata if not isinstance(bound, Axis) and bound not in (NEEDED, OPTIONAL)]
    return Annotated[(field.annotation, *bounds)] if bounds else field.annotation


def tag(given: object) -> str | None:
    """Which part of a union is meant; in marks that no key of a file has, so that they can be told from keys."""
    if isinstance(given, str):
        return f"<{given}>"
    if isinstance(given, Mapping):
        name = given.get("name", next((SHORT[key] for key in given if key in SHORT), None))
    else:
        name = getattr(given, "name", None)
    return None if name is None else f"<{name} …>"
