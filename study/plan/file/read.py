"""From a study file to a ``StudyFile``, or to all its mistakes of shape: a person's words, at the file's own paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from study.axes.recipe import REQUIRED
from study.errors import MOST, Mistakes, Refused, join, nearest, refuse, suggest
from study.metrics import METRICS
from study.plan.elsewhere.models import CurveMetric
from study.plan.file.keys import CHOICES, is_free, searchable
from study.plan.file.models import GIVEN, KINDS, StudyFile, kind_of
from study.plan.file.unknown import Place, last_key, unknown, unknown_setting
from study.plan.file.yaml import parse
from study.plan.search import EXAMPLE, SELECTS
from study.target import Target
from study.wording import counted, listed, show

EXPECTED = {  # by the type of pydantic's error
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "too_long": "a list of at most {max_length} values",
    "string_too_long": "a name of at most {max_length} letters",
    "string_too_short": "text that is not empty",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "string_pattern_mismatch": "letters, digits, '_' and '-' only",
    "literal_error": "one of {expected}",
}
WANTED = {  # by the last key of a path: what a person who left it out, or gave something else, should give
    "study": "a name for the folder of its results, such as optimizers",
    "baseline": f"a choice on every axis, or at least on {listed([*REQUIRED, 'epochs (or steps)'])}",
    "comparisons": "at least one, such as {activation: {vary: {activation: [tanh, relu]}, metrics: [test_loss]}}",
    "metrics": "what the table shows, such as [test_accuracy]",
    "target.metric": f"one of {', '.join(get_args(Target.model_fields['metric'].annotation))}",
    "metric": "what the two arms are compared by, such as test_accuracy",
    "better": "the label of an arm",
    "than": "the label of another arm",
    "effect": "an axis that varies, such as schedule",
    "exceeds": "another axis that varies",
    "value": "the level that counts as converged, such as 0.95",
    "batch_size": "a whole number",
    "runs.path": "a CSV or Parquet file, such as sweep.csv",
    "curves.path": "a CSV or Parquet file, such as curves.csv",
    "runs.label": "the column, or columns, that tell arms apart, such as [optimizer, lr]",
    "curves.metrics": "metric → its column, such as {val_loss: val/loss}",
    "runs.metric": "the column with the names of metrics",
    "curves.metric": "the column with the names of metrics",
    "runs.value": "the column with the values of metrics",
    "curves.value": "the column with the values of metrics",
    "epochs": "a whole number",
    "select": f"one of {', '.join(SELECTS)}",
} | {axis: f"one of {', '.join(about.choices())}" for axis, about in CHOICES.items()}
WHOLE = {  # by the last key of the path of a mapping: an example of it
    "target": "{metric: val_accuracy, value: 0.95}",
    "arms": "what this arm sets, such as {optimizer.lr: 0.01, batch_size: 16}",
    "skip": "the axes and values that it matches, such as {batch_size: 16}",
    "tune": f"the settings to search, such as {{optimizer.lr: {EXAMPLE}}}",
    "style": "how figures look, such as {width: single, formats: [svg, pdf]}",
    "figure": "the panels, such as {panels: [curves, test_accuracy]}",
    "table": "the columns, such as {columns: [test_accuracy, runs]}",
    "claims": "a claim, such as {metric: test_accuracy, better: relu, than: sigmoid}",
    "reported": "{metric: figure as printed}, such as {test_accuracy: 92.3 %}",
    "tune.": f"where to search, such as {EXAMPLE}",
    "comparisons": "a mapping with 'vary:' or 'arms:', and 'metrics:'",
    "metrics": "metric → its column, such as {test_accuracy: best_acc}",
    "runs": "where the runs are, such as {path: sweep.csv, label: optimizer, seed: seed}",
    "curves": "where the evaluations are, such as {path: curves.csv, epoch: epoch, metrics: {val_loss: val_loss}}",
}


OF_THEIR_OWN = ("settings", "runs", "reported")  # keys of parts whose keys may be called as axes are


def read(path: Path) -> StudyFile:
    """The study at ``path``. Raises Refused with every mistake of shape."""
    mistakes = Mistakes(str(path))
    content = known_names(parse(path, mistakes))
    if not isinstance(content, dict):
        raise Refused([f"{path}: holds no study; begin with 'study:', 'baseline:' and 'comparisons:'"])
    try:
        file = StudyFile.model_validate(content)
    except ValidationError as failure:
        note(failure, content, mistakes)
    if "baseline" not in content and _trains(content):
        mistakes.add("baseline", f"is missing; give {WANTED['baseline']}")
    baseline = content.get("baseline")
    if isinstance(baseline, dict) and not is_free(baseline.get("trainer")):
        unknown_keys = baseline.keys() - KINDS.keys()
        for axis in [axis for axis in REQUIRED if axis not in baseline and not nearest(axis, unknown_keys)]:
            mistakes.add(join("baseline", axis), f"is missing; give {WANTED.get(axis, 'a value')}")
    mistakes.raise_any()
    return file


def known_names(content: object, axis: str = "") -> object:
    """``content`` of a study file with the names of choices as they are known; ``axis``: of which these are.

    What is misshapen stays as it is, and so does what has names of a person's own.
    """
    if isinstance(content, list):
        return [known_names(one, axis) for one in content]
    if isinstance(content, Mapping):
        return {
            key: own if key in OF_THEIR_OWN else known_names(own, axis if key == "name" else key)
            for key, own in content.items()
        }
    if not isinstance(content, str) or axis not in CHOICES:
        return content
    return next((name for name in CHOICES[axis].choices() if name.casefold() == content.casefold()), content)


def _trains(content: Mapping[str, object]) -> bool:
    """Whether something is to be trained, and no misspelt key says on what: runs that are there need no baseline."""
    parts = content.get("comparisons")
    there = isinstance(parts, dict) and all(kind_of(part) == GIVEN for part in parts.values())
    return not there and not nearest("baseline", set(content).difference(StudyFile.model_fields))


def note(failure: ValidationError, content: object, mistakes: Mistakes) -> None:
    """Add the mistakes of ``content`` to ``mistakes``, those of one place as one."""
    by_place: dict[Place, list[ErrorDetails]] = {}
    errors = failure.errors()
    strange = {place_of(error, content) for error in errors if is_key(error)}  # what they hold is no matter
    for error in errors:
        place = place_of(error, content)
        if is_key(error) or not any(place[:n] in strange for n in range(1, len(place) + 1)):
            by_place.setdefault(place, []).append(error)
    around = {place[:n] for place in by_place for n in range(len(place))}
    beside: dict[Place, list[str]] = {}  # keys with mistakes, by what they are part of
    for place in by_place:
        beside.setdefault(place[:-1], []).append(str(place[-1]) if place else "")
    for place, errors in by_place.items():
        if place in around:
            continue  # it is within
        if mistakes.full:
            mistakes.add(join("", *place), "")
            continue
        if errors[0]["type"] == "missing" and _misspelt(place, beside[place[:-1]]):
            continue  # it is beside
        mistakes.add(join("", *place), words(errors, place))


def place_of(error: ErrorDetails, content: object) -> Place:
    """The path of an error in the file: without pydantic's marks for the parts of a union."""
    place: list[str | int] = []
    for step in error["loc"]:
        if isinstance(content, dict) and (step in content or (error["type"] == "missing" and step == error["loc"][-1])):
            content = content.get(step)
        elif isinstance(content, list | tuple) and isinstance(step, int):
            content = content[step] if step < len(content) else None
        else:
            continue
        place.append(step)
    if error["type"].startswith("union_tag") and isinstance(error["input"], dict) and len(error["input"]) > 1:
        place += ["name"] * ("name" in error["input"])
    return tuple(place)


def _misspelt(place: Place, beside: Sequence[str]) -> bool:
    """Whether the missing key at ``place`` was probably meant by an unknown one beside it."""
    missing = str(place[-1])
    return any(key != missing and nearest(key, [missing]) for key in beside[:MOST])


def words(errors: list[ErrorDetails], place: Place) -> str:
    """What is wrong at one place, and what would be right."""
    error, key, parent = errors[0], last_key(place), str(place[-2]) if len(place) > 1 else ""
    wanted = WANTED.get(f"{parent}.{key}", WANTED.get(key))
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "words":
        return error["msg"]
    if kind == "literal_error" and error["loc"][-1] == "[key]":
        return suggest(given, get_args(CurveMetric), "metric that curves are drawn of")
    if kind == "extra_forbidden" or is_key(error):
        return unknown(place, error["loc"])
    if kind == "missing":
        if isinstance(place[-1], int):
            return f"a value is missing; give {place[-1] + 1}"
        return f"is missing; give {wanted or 'a value'}"
    if kind == "string_pattern_mismatch" and key == "factory":
        return refuse(given, "module:name, such as mylab.nets:resnet")
    if kind == "string_pattern_mismatch" and place[:1] == ("comparisons",) and len(place) == 2:
        return f"{place[1]!r} cannot name a file; use letters, digits, '_' and '-' only"
    if kind.startswith("union_tag"):
        return unchosen(given, last_key(tuple(step for step in place if step != "name")))
    if key == "select" and len(place) > 1 and isinstance(given, str):
        twin = METRICS[given].selected_by(regression=False) if given in METRICS and "test" in given else None
        leak = "is of the test rows: an arm chosen by them looks better on them than it is"
        known = suggest(given, SELECTS, "selection")
        return f"{given!r} {leak}; give its validation twin, {twin}" if twin else known
    whole = WHOLE.get(key) or WHOLE.get("tune." if parent == "tune" else parent)
    if kind in ("model_type", "dict_type") and whole:
        return refuse(given, whole)
    several = "the values to compare" if parent == "vary" else wanted
    if given in ([], {}) and several:
        return refuse(None, several)
    if kind == "too_short":
        return refuse(given, whole or f"a list of at least {counted(context['min_length'], 'value')}")
    if given is None and isinstance(place[-1], str):
        return refuse(None, wanted or _wanted(errors))
    if kind == "tuple_type" and parent == "vary":
        return refuse(given, f"a list of values, such as [{given}]")
    return expected(*errors)


def is_key(error: ErrorDetails) -> bool:
    """Whether it is the key itself that is wrong."""
    return error["type"] == "string_pattern_mismatch" and ".settings" in str(error.get("ctx", {}).get("pattern"))


def expected(*errors: ErrorDetails) -> str:
    """What was wrong with one value, and what would be right."""
    if all(error["type"] in EXPECTED for error in errors):
        return refuse(errors[0]["input"], _wanted(errors))
    given, words = errors[0]["input"], errors[0]["msg"].removeprefix("Value error, ")
    own = errors[0]["type"] == "value_error" and isinstance(given, dict)  # these say which of its settings is meant
    return words if own else f"{show(given)} is refused; {words}"


def _wanted(errors: Sequence[ErrorDetails]) -> str:
    """What would be right, of the parts of a union each once; a number is a whole number, too."""
    found = dict.fromkeys(
        EXPECTED.get(e["type"], "a mapping of keys to values").format(**e.get("ctx", {})) for e in errors
    )
    if "a number" in found:
        found.pop("a whole number", None)
    return " or ".join(found)


def unchosen(given: object, key: str) -> str:
    """A choice, or a metric, that there is none of."""
    if key not in CHOICES:
        return suggest(given, METRICS, "metric")
    known = list(CHOICES[key].choices())
    if isinstance(given, dict):
        given = given.get("name")
        if given is None:
            return f"'name' is missing; give one of {', '.join(known)}"
    if isinstance(given, str):
        return suggest(given, known, key)
    return refuse(given, f"one of {', '.join(known)}, or {{name: …}} with settings")


def refused(error: ErrorDetails, axis: str) -> str:
    """Why a whole choice, or number, that a study file makes of several keys cannot be."""
    kind, name, setting = error["type"], str(error["loc"][1]) if axis in CHOICES else "", error["loc"][-1]
    if kind == "missing" and name:
        tune = f", or tune {axis}.{setting}" * (f"{axis}.{setting}" in searchable())
        return f"{name!r} needs {setting!r}, which has no default; write {{name: {name}, {setting}: …}}{tune}"
    if kind == "extra_forbidden" and name:
        return unknown_setting(axis, name, str(setting))
    return expected(error)
