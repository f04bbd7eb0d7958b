"""What is written of study files in config/: their JSON Schema, so that editors complete and check them, and tables.

The schema is that of the models which read the files; the tables have every axis, choice, setting and metric.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import DictSchema, ModelSchema

from study.axes.base import Choice
from study.axes.recipe import AXES, REQUIRED, Recipe
from study.metric import Final, PerRound
from study.metrics import METRICS
from study.plan.file.models import StudyFile
from study.wording import number

SCHEMA, README = (Path(__file__).parents[3] / "config" / name for name in ("study.schema.json", "README.md"))
BEGIN, END = "<!-- begin: written by `python -m study schema --fix` -->", "<!-- end -->"
BOUNDS = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
FAR = 1_000_000  # bounds that nobody comes near are not worth a word


class _Plain(GenerateJsonSchema):
    """Without generated titles (``Lr``), which say less than the key; and mappings have no key of another pattern."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def dict_schema(self, schema: DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        return made | {"additionalProperties": False} if "patternProperties" in made else made

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        made, inner = super().model_schema(schema), schema["schema"]
        keys = inner.get("extras_keys_schema") if inner["type"] == "model-fields" else None
        if keys and "pattern" in keys:
            made |= {
                "patternProperties": {keys["pattern"]: made["additionalProperties"]},
                "additionalProperties": False,
            }
        return made

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        made = super().generate(schema, mode)
        return {"$schema": self.schema_dialect, **made, "title": "Evenhand study"}


def schema() -> str:
    """config/study.schema.json, as the models have it."""
    made = StudyFile.model_json_schema(schema_generator=_Plain)
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def readme() -> str:
    """config/README.md with its tables as the registry has them."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{tables()}{END}{rest.partition(END)[2]}"


def tables() -> str:
    lines = []
    for axis, about in AXES.items():
        field = Recipe.model_fields[axis]
        default = "required" if axis in REQUIRED else f"default `{_shown(field.default)}`"
        lines += [f"### `{axis}` ({default})", ""]
        if about.choices:
            lines += ["| choice | settings: default (bounds) | |", "|---|---|---|"]
            lines += [_row(name, choice) for name, choice in about.choices.choices().items()]
        else:
            lines += [about.description]
        lines += [""]
    lines += ["### Metrics", "", "| metric | unit | better | what it is | needs |", "|---|---|---|---|---|"]
    for name, metric in METRICS.items():
        needs = {"classes": metric.accuracy, "a target": metric.target, "timing": metric.timed}
        listed = ", ".join(need for need, given in needs.items() if given)
        lines += [f"| `{name}` | {metric.shown} | {metric.better} | {metric.definition} | {listed} |"]
    lines += ["", "A metric of your own ([CONTRIBUTING](../CONTRIBUTING.md#add-a-metric)) is computed from"]
    for kind, rows in ((Final, "of a run"), (PerRound, "of a round of the timing job")):
        lines += ["", f"| column {rows} | |", "|---|---|"]
        lines += [f"| `{name}` | {what} |" for name, what in kind.readable.items()]
    return "\n".join(lines) + "\n\n"


def _row(name: str, choice: type[Choice]) -> str:
    described = choice.description().replace("|", r"\|").replace("``", "`")
    settings, properties = [], choice.model_json_schema()["properties"]
    for setting, field in choice.written().items():
        if setting == "name":
            continue
        shown = "required" if field.is_required() else _shown(field.default)
        settings.append(f"`{setting}` {shown}{_range(properties[setting])}")
    return f"| `{name}` | {'; '.join(settings)} | {described} |"


def _range(schema: JsonSchemaValue) -> str:
    """The bounds of a number, as `` (> 0, ≤ 1)``; of a list, those of its items; the words that a text may be."""
    words = [word for part in (schema, *schema.get("anyOf", ())) for word in part.get("enum", ())]
    if words:
        return f" ({' or '.join(words)})"
    schema = schema.get("items", (schema.get("prefixItems") or [schema])[0])
    bounds = [f"{sign} {schema[name]:g}" for name, sign in BOUNDS.items() if schema.get(name, FAR) < FAR]
    return f" ({', '.join(bounds)})" if bounds else ""


def _shown(value: object) -> str:
    return value.name if isinstance(value, Choice) else "none" if value is None else number(value)
