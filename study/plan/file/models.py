"""The study file's shape, as pydantic models. What its values mean is worked out in ``expand``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from study.errors import Mistakes, explain, join, nearest, refuse

SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
Slug = Annotated[str, Field(pattern=SLUG)]
Seeds = Annotated[int, Field(ge=1, le=100_000)]
Written = dict[str, Any]  # keys are axes or settings (optimizer.lr)
P = TypeVar("P", bound="Part")


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    needed: ClassVar[dict[str, str]] = {}  # required keys, and what a person who left one out should give
    stand_in: ClassVar[dict[str, Any]] = {}  # for required keys with a mistake, so that the rest is still checked


class Target(Part):
    """The validation level that counts as converged."""

    needed = {
        "metric": "val_accuracy or val_loss",
        "value": "the level that counts as converged, such as 0.95",
    }

    metric: Annotated[Literal["val_accuracy", "val_loss"], Field(description="The level is of this metric.")]
    value: Annotated[float, Field(allow_inf_nan=False, description="The level; an accuracy is a fraction.")]

    @field_validator("value")
    @classmethod
    def within_reach(cls, value: float, info: ValidationInfo) -> float:
        if info.data.get("metric") == "val_accuracy" and not 0 < value <= 1:
            raise ValueError("an accuracy is a fraction: give a number above 0 and at most 1")
        return value

    def met(self, level: Any) -> Any:
        """Whether ``level``, a number or an array, is at or past the target: above for accuracies, else below."""
        return level >= self.value if self.metric == "val_accuracy" else level <= self.value


class Claim(Part):
    """A statement about two arms, declared before training."""

    needed = {
        "metric": "what the two arms are compared by, such as test_accuracy",
        "better": "the label of an arm",
        "than": "the label of another arm",
    }
    stand_in = {"metric": "", "better": "", "than": ""}

    metric: Annotated[str, Field(description="What the two arms are compared by; it need not be shown.")]
    better: Annotated[str, Field(description="Label of the arm that is claimed to be better.")]
    than: Annotated[str, Field(description="Label of the other arm.")]
    margin: Annotated[
        float | None,
        Field(
            ge=0,
            allow_inf_nan=False,
            description="By more than how much: of accuracies, gaps and shares a difference as a fraction (0.01 is a "
            "point), of all else a factor less one (0.1 is a factor of 1.1).",
        ),
    ] = None
    kind: Annotated[Literal["better", "equal"], Field(description="equal: they differ by less than the margin.")] = (
        "better"
    )
    derived: Annotated[bool, Field(description="Its metric follows from that of another claim.")] = False
    exploratory: Annotated[bool, Field(description="May be one that so few seeds cannot decide.")] = False


class Comparison(Part):
    """A named set of arms that are compared: one table, one figure."""

    needed = {"metrics": "what the table shows, such as [test_accuracy]"}
    stand_in = {"metrics": []}

    title: Annotated[str | None, Field(description="Heading of the table and the figure.")] = None
    baseline: Annotated[Written, Field(description="What differs from the study's baseline here.")] = {}
    vary: Annotated[Written, Field(description="Lists of values; every combination is an arm.")] = {}
    arms: Annotated[list[Any] | None, Field(description="Coupled settings: one arm each.")] = None
    skip: Annotated[list[Any], Field(description="Combinations left out.")] = []
    metrics: Annotated[list[Any], Field(description="What the table shows, the figure the first.")]
    reference: Annotated[
        str | None, Field(description="Label of the arm that others are held against; by default the first.")
    ] = None
    seeds: Annotated[Seeds | None, Field(description="Runs per arm, if not the study's.")] = None
    target: Annotated[Target | None, Field(description="If not the study's.")] = None
    reported: Annotated[
        Written, Field(description="Figures printed elsewhere, by label and metric, and their source.")
    ] = {}
    tune: Annotated[Any, Field(description="What differs from the study's; null for no tuning.")] = None
    claims: Annotated[list[Any], Field(description="What is claimed before training, and judged after it.")] = []


class StudyFile(Part):
    """One YAML file: a question, a baseline, comparisons."""

    needed = {
        "study": "a name for the folder of its results, such as optimizers",
        "baseline": "a choice on every axis, or at least on dataset, network, optimizer, batch_size and epochs",
        "comparisons": "at least one, such as {activation: {vary: {activation: [tanh, relu]}, metrics: [test_loss]}}",
    }
    stand_in = {"study": "unnamed", "baseline": {}, "comparisons": {}}

    study: Annotated[Slug, Field(description="Names the folder of the results.")]
    title: Annotated[str | None, Field(description="Heading of the report.")] = None
    baseline: Annotated[Written, Field(description="The choice on every axis unless an arm says otherwise.")]
    seeds: Annotated[Seeds, Field(description="Runs per arm: seeds 0, 1, …")] = 16
    target: Annotated[Target | None, Field(description="The validation level that counts as converged.")] = None
    tune: Annotated[Any, Field(description="Settings to search, at the same budget for every arm.")] = None
    looks: Annotated[
        int | None, Field(ge=1, le=100, description="How often the claims are judged, each time on more or other data.")
    ] = None
    comparisons: Annotated[Written, Field(description="What is compared: one table and one figure each.")]


def read(model: type[P], content: dict[str, Any], path: str, mistakes: Mistakes) -> tuple[P, set[str]]:
    """The part of the file at ``path``, and its keys with a mistake, which are as if they were left out.

    Every mistake of shape is noted; what is left is still good for checking the values.
    """
    try:
        return model.model_validate(content), set()
    except ValidationError as failure:
        errors = failure.errors()
    unknown = [error["loc"] for error in errors if error["type"] == "extra_forbidden"]
    meant = {(*loc[:-1], nearest(loc[-1], _part(model, loc).model_fields)) for loc in unknown}
    for error in errors:
        part = _part(model, error["loc"])
        if error["type"] == "missing" and error["loc"] in meant:
            continue  # noted where it is spelled wrong
        if error["type"] == "missing":
            words = f"is missing; give {part.needed[str(error['loc'][-1])]}"
        elif error["type"] == "model_type":
            words = refuse(error["input"], "{metric: val_accuracy, value: 0.95}")
        else:
            words = explain(error, part.model_fields)
        mistakes.add(join(path, *error["loc"]), words)
    broken = {str(error["loc"][0]) for error in errors} | {str(loc[0]) for loc in meant}
    kept = {key: value for key, value in content.items() if key not in broken}
    stand_in = {key: value for key, value in model.stand_in.items() if key in broken}
    return model.model_validate(kept | stand_in), broken & set(model.model_fields)


def _part(model: type[Part], loc: tuple[int | str, ...]) -> type[Part]:
    return Target if loc[0] == "target" and len(loc) > 1 else model


def read_comparisons(content: Written, mistakes: Mistakes) -> Iterator[tuple[str, Comparison, set[str]]]:
    """Each comparison with its name and its keys with a mistake."""
    for name, given in content.items():
        path = join("comparisons", name)
        if not re.fullmatch(SLUG, name):
            mistakes.add(path, f"{name!r} cannot name a file; use letters, digits, '_' and '-' only")
        if isinstance(given, dict):
            yield (name, *read(Comparison, given, path, mistakes))
        else:
            mistakes.add(path, refuse(given, "a mapping with 'vary:' or 'arms:', and 'metrics:'"))
