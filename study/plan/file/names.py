"""Names of choices in a study file, and labels made of them, are meant in any case: ``AdamW`` is ``adamw``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from study.plan.file.claim import Claim
from study.plan.file.keys import CHOICES
from study.plan.file.models import Comparison


def known_names(content: Any) -> Any:
    """The content of a study file with the names of choices as they are known; what is misshapen stays as it is."""
    if not isinstance(content, dict):
        return content
    found = {key: _each(part) if key == "baseline" else part for key, part in content.items()}
    parts = content.get("comparisons")
    if isinstance(parts, dict):
        found["comparisons"] = {name: _comparison(part) for name, part in parts.items()}
    return found


def known_labels(comparison: Comparison, labels: Iterable[str]) -> Comparison:
    """``comparison`` with the labels of its arms as they are, wherever it names one in another case."""
    by_case: dict[str, list[str]] = {}
    for label in dict.fromkeys(labels):
        by_case.setdefault(label.casefold(), []).append(label)

    def known(label: Any) -> Any:
        if not isinstance(label, str):
            return label
        alike = by_case.get(label.casefold(), ())
        return alike[0] if len(alike) == 1 else label

    changed: dict[str, Any] = {}
    if comparison.reference is not None:
        changed["reference"] = known(comparison.reference)
    changed["claims"] = tuple(
        claim.model_copy(update={"better": known(claim.better), "than": known(claim.than)})
        if isinstance(claim, Claim)
        else claim
        for claim in comparison.claims
    )
    figures = comparison.reported.__pydantic_extra__
    if len({*map(known, figures)}) == len(figures):  # else two are of one arm, and one is told to be of none
        given = {known(label): own for label, own in figures.items()}
        changed["reported"] = type(comparison.reported).model_validate({"source": comparison.reported.source} | given)
    return comparison.model_copy(update=changed)


def _comparison(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {key: _each(own) if key in ("baseline", "vary", "arms", "skip") else own for key, own in part.items()}


def _each(part: Any) -> Any:
    """A mapping whose keys are axes, or a list of such."""
    if isinstance(part, list):
        return [_each(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {key: _named(key, value) if key in CHOICES else value for key, value in part.items()}


def _named(axis: str, value: Any) -> Any:
    """A choice as a bare name or with settings, or a list of such."""
    if isinstance(value, list):
        return [_named(axis, one) for one in value]
    if isinstance(value, Mapping):
        return {key: _known(axis, own) if key == "name" else own for key, own in value.items()}
    return _known(axis, value)


def _known(axis: str, name: Any) -> Any:
    if not isinstance(name, str) or name in CHOICES[axis].choices():
        return name
    return next((known for known in CHOICES[axis].choices() if known.casefold() == name.casefold()), name)
