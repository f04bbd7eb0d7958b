"""The JSON Schema of study files, from the models and the registry, so that editors complete and check them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from study.axes import AXES, CHOICES, NUMBERS, Choice
from study.metrics import METRICS
from study.plan.arm import WRITTEN
from study.plan.file.choices import SWITCHES, settings_of
from study.plan.file.models import Claim, Comparison, StudyFile
from study.plan.file.ranges import kind_of
from study.plan.file.tune_block import FIXED, SELECTS, Options, Range

PATH = Path(__file__).parents[3] / "config" / "study.schema.json"
Schema = dict[str, Any]

DESCRIPTIONS = {  # of the axes that are numbers, and of the switches
    "dropout": "Rate at which hidden activations are dropped, in [0, 1).",
    "batch_size": "Rows a step.",
    "epochs": "Passes over the training rows.",
    "gpus": "Devices a run: each takes its part of every batch.",
    "stack": "false: train runs one at a time.",
    "tf32": "true: on GPUs, matrix products and convolutions in TF32, faster and less exact than float32.",
}
PRINTED: Schema = {"type": ["string", "number"], "minLength": 1}


def text() -> str:
    return json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"


def study_schema() -> Schema:
    """The schema of a whole study file. It refuses nothing that ``check`` accepts."""
    defs: Schema = {f"{axis}_choice": _choices(axis) for axis in CHOICES} | {"metric": _metrics()}
    axes = {axis: _axis(axis) for axis in WRITTEN}
    owned = {f"{axis}.{setting}": owners for axis in CHOICES for setting, owners in settings_of(axis).items()}
    defs |= {key: _setting(key.partition(".")[2], owners) for key, owners in owned.items()}
    settings = {key: {"$ref": f"#/$defs/{key}"} for key in owned}
    varied = {key: value for key, value in (axes | settings).items() if key not in SWITCHES}
    defs["baseline"] = _object(axes | settings)
    defs["arm"] = _object({"label": {"type": "string", "minLength": 1}} | varied) | {"minProperties": 1}
    defs["pattern"] = _object({key: {"description": f"Matches arms with this {key}."} for key in varied})
    defs["vary"] = _object({key: {"type": "array", "items": item, "minItems": 1} for key, item in varied.items()})
    defs["tune"], defs["range"], defs["claim"] = _tune(owned), Range.model_json_schema(), _claim()

    study, comparison = StudyFile.model_json_schema(), Comparison.model_json_schema()
    for schema in (study, comparison):
        defs |= schema.pop("$defs")
        schema["properties"]["baseline"] |= {"$ref": "#/$defs/baseline"}
        schema["properties"]["tune"] |= {"anyOf": [{"$ref": "#/$defs/tune"}, {"type": "null"}]}
    study["properties"]["comparisons"] |= {
        "additionalProperties": {"$ref": "#/$defs/comparison"},
        "propertyNames": {"pattern": study["properties"]["study"]["pattern"]},
        "minProperties": 1,
    }
    required = [axis for axis in AXES if axis in ("dataset", "network", "optimizer", "batch_size", "epochs")]
    study["properties"]["baseline"]["required"] = required
    properties = comparison["properties"]
    properties["vary"] |= {"$ref": "#/$defs/vary"}
    properties["arms"] |= {"type": ["array", "null"], "minItems": 1, "items": {"$ref": "#/$defs/arm"}}
    properties["skip"]["items"] = {"$ref": "#/$defs/pattern"}
    properties["metrics"] |= {"items": {"$ref": "#/$defs/metric"}, "minItems": 1, "uniqueItems": True}
    properties["claims"]["items"] = {"$ref": "#/$defs/claim"}
    figures = {"type": "object", "additionalProperties": PRINTED, "propertyNames": {"enum": list(METRICS)}}
    properties["reported"] |= {"properties": {"source": PRINTED}, "additionalProperties": figures}
    comparison["anyOf"] = [{"required": ["vary"]}, {"required": ["arms"]}]
    defs["comparison"] = comparison
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Evenhand study"}
    whole: Schema = _without_titles(study | {"$defs": defs})
    return head | whole


def _axis(axis: str) -> Schema:
    """One axis: a number, the name of a choice, or a choice with its settings."""
    if axis in CHOICES:
        return {"$ref": f"#/$defs/{axis}_choice"}
    kind = NUMBERS.get(axis, bool)
    return TypeAdapter(kind).json_schema() | {"description": DESCRIPTIONS[axis]}


def _choices(axis: str) -> Schema:
    choices = CHOICES[axis].choices()
    names = [{"const": name, "description": describe(choice)} for name, choice in choices.items()]
    return {"anyOf": [*names, *(_choice(choice) for choice in choices.values())]}


def _choice(choice: type[Choice]) -> Schema:
    """A choice with its settings, none of them required: ``vary`` and ``arms`` may give them by key."""
    schema = choice.model_json_schema()
    return schema | {"description": describe(choice), "required": ["name"]}


def _setting(setting: str, owners: list[type[Choice]]) -> Schema:
    kinds: list[Schema] = []
    for owner in owners:
        kind = {
            k: v for k, v in owner.model_json_schema()["properties"][setting].items() if k not in ("default", "title")
        }
        if kind not in kinds:
            kinds.append(kind)
    names = ", ".join(owner.model_fields["name"].default for owner in owners)
    return (kinds[0] if len(kinds) == 1 else {"anyOf": kinds}) | {"description": f"A setting of {names}."}


def _metrics() -> Schema:
    return {"anyOf": [{"const": name, "description": f"{m.title}: {m.definition}"} for name, m in METRICS.items()]}


def _claim() -> Schema:
    schema = Claim.model_json_schema()
    schema["properties"]["metric"] |= {"$ref": "#/$defs/metric"}
    return schema


def _tune(owned: dict[str, list[type[Choice]]]) -> Schema:
    """The numbers that can be searched, and the options of the search."""
    options, select = Options.model_json_schema(), {"enum": list(SELECTS)}
    several = {"type": "array", "items": select, "minItems": 1}
    options["properties"]["select"] |= {"anyOf": [select, several, {"type": "null"}]}
    numbers = [key for key, owners in owned.items() if any(kind_of(owner, key.partition(".")[2]) for owner in owners)]
    keys = [key for key in (*NUMBERS, *numbers) if key.partition(".")[0] not in FIXED]
    return options | {"properties": options["properties"] | {key: {"$ref": "#/$defs/range"} for key in keys}}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def describe(choice: type[Choice]) -> str:
    """The first paragraph of a choice's docstring on one line."""
    return " ".join((choice.__doc__ or "").split("\n\n")[0].split())


def _without_titles(schema: Any, names: bool = False) -> Any:
    """Pydantic's generated titles (``Lr``) say less than the key. ``names``: the keys are the user's, not keywords."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {k: v for k, v in schema.items() if names or k != "title"}
    return {k: _without_titles(v, not names and k in ("properties", "$defs")) for k, v in kept.items()}
