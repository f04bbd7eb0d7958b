"""The study file's shape, as pydantic models. What its values mean is worked out in ``expand``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from study.plan.mistakes import Mistakes, explain, join, suggest

Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Seeds = Annotated[int, Field(ge=1, le=100_000)]
Written = dict[str, Any]  # keys are axes or settings (optimizer.lr)


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Target(Part):
    """The validation level that counts as converged."""

    metric: Literal["val_accuracy", "val_loss"]
    value: Annotated[float, Field(allow_inf_nan=False)]


class Comparison(Part):
    """A named set of arms that are compared: one table, one figure."""

    title: str | None = None
    baseline: Written = Field(default_factory=dict)
    vary: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
    arms: Annotated[list[Written], Field(min_length=1)] | None = None
    skip: list[Written] = Field(default_factory=list)
    metrics: Annotated[list[str], Field(min_length=1)]
    reference: str | None = None
    seeds: Seeds | None = None
    target: Target | None = None
    reported: dict[str, Any] = Field(default_factory=dict)
    tune: Any = None
    claims: list[Any] | None = None


class StudyFile(Part):
    """One YAML file: a question, a baseline, comparisons."""

    study: Slug
    title: str | None = None
    baseline: Written
    seeds: Seeds = 16
    target: Target | None = None
    tune: Any = None
    comparisons: Annotated[dict[Slug, Comparison], Field(min_length=1)]


def parse(content: Any, mistakes: Mistakes) -> StudyFile | None:
    """The file's content as a model; None, with every mistake of shape noted, where it is not one."""
    if not isinstance(content, dict):
        mistakes.add("", "holds no study; begin with 'study:', 'baseline:' and 'comparisons:'")
        return None
    try:
        return StudyFile.model_validate(content)
    except ValidationError as failure:
        for error in failure.errors():
            loc = [part for part in error["loc"] if part != "[key]"]
            path = join("", *loc)
            if error["type"] == "extra_forbidden":
                fields = _model_at(loc).model_fields
                mistakes.add(path, suggest(loc[-1], fields, "key"))
            else:
                mistakes.add(path, explain(error))
        return None


def salvage(content: Any) -> StudyFile | None:
    """What can still be checked of a file with mistakes of shape: broken keys are left out."""
    if not isinstance(content, dict):
        return None
    kept = dict(content)
    for _ in range(100):
        try:
            return StudyFile.model_validate(kept)
        except ValidationError as failure:
            for error in failure.errors():
                loc = error["loc"]
                depth = 3 if loc[0] == "comparisons" and len(loc) > 2 else 2 if loc[0] == "comparisons" else 1
                if not _remove(kept, loc[:depth]):
                    return None
    return None


def _remove(content: dict[str, Any], loc: tuple[int | str, ...]) -> bool:
    """Take out the key at ``loc``, copying what is changed; where it is a required key, its parent."""
    if len(loc) == 1:
        return content.pop(str(loc[0]), None) is not None
    inner = content.get(str(loc[0]))
    if not isinstance(inner, dict):
        return content.pop(str(loc[0]), None) is not None
    content[str(loc[0])] = inner = dict(inner)
    return _remove(inner, loc[1:]) or inner.pop(str(loc[1]), None) is not None


def _model_at(loc: list[int | str]) -> type[Part]:
    if "target" in loc[:-1]:
        return Target
    return Comparison if len(loc) == 3 and loc[0] == "comparisons" else StudyFile
