"""The tables of config/README.md: every axis, choice, setting and metric, from the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from study.axes.base import Choice
from study.axes.recipe import AXES, Recipe
from study.metrics import METRICS, Final, PerRound
from study.plan.file.labels import number

PATH = Path(__file__).parents[3] / "config" / "README.md"
BEGIN, END = "<!-- begin: written by `python -m study schema --fix` -->", "<!-- end -->"


def text() -> str:
    """config/README.md with its tables as the registry has them."""
    before, _, rest = PATH.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{tables()}{END}{rest.partition(END)[2]}"


def tables() -> str:
    lines = []
    for axis, about in AXES.items():
        field = Recipe.model_fields[axis]
        default = "required" if field.is_required() else f"default `{_shown(field.default)}`"
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
    for setting, field in choice.model_fields.items():
        if setting == "name":
            continue
        shown = "required" if field.is_required() else _shown(field.default)
        settings.append(f"`{setting}` {shown}{_range(properties[setting])}")
    return f"| `{name}` | {'; '.join(settings)} | {described} |"


def _range(schema: dict[str, Any]) -> str:
    """The bounds of a number, as `` (> 0, ≤ 1)``; of a list, those of its items; the words that a text may be."""
    words = [word for part in (schema, *schema.get("anyOf", ())) for word in part.get("enum", ())]
    if words:
        return f" ({' or '.join(words)})"
    schema = schema.get("items", (schema.get("prefixItems") or [schema])[0])
    low = f"> {schema['exclusiveMinimum']:g}" if "exclusiveMinimum" in schema else None
    low = f"≥ {schema['minimum']:g}" if "minimum" in schema else low
    high = f"< {schema['exclusiveMaximum']:g}" if schema.get("exclusiveMaximum", 2**31) < 2**31 else None
    high = f"≤ {schema['maximum']:g}" if "maximum" in schema else high
    bounds = ", ".join(bound for bound in (low, high) if bound)
    return f" ({bounds})" if bounds else ""


def _shown(value: Any) -> str:
    return value.name if isinstance(value, Choice) else "none" if value is None else number(value)
