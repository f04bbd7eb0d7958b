"""What is said of a key that there is none of, with the one that was probably meant."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel

from study.axes.custom import Open
from study.axes.datasets.table import Csv
from study.axes.recipe import AXES
from study.errors import nearest, suggest
from study.plan.elsewhere.models import CurvesFile, RunsComparison, RunsFile, RunsMetric, RunsStatus
from study.plan.file.claim import EFFECTS, Claim, EffectClaim
from study.plan.file.keys import CHOICES, VARIED, owners
from study.plan.file.models import GIVEN, Comparison, StudyFile, Tune
from study.plan.search import Range
from study.plan.style import FigureStyle, Style, TableStyle
from study.target import Target

Place = tuple[str | int, ...]  # keys and indices of the file
MODELS: dict[str, type[BaseModel]] = {  # by the key of a part
    "target": Target,
    "tune": Range,
    "style": Style,
    "read": Csv,
    "figure": FigureStyle,
    "table": TableStyle,
    "runs": RunsFile,
    "curves": CurvesFile,
    "status": RunsStatus,
    "metrics": RunsMetric,
}
KEYED = ("baseline", "vary", "arms", "skip")  # parts whose keys are axes and settings


def last_key(place: Place) -> str:
    return next((step for step in reversed(place) if isinstance(step, str)), "")


def unknown(place: Place, loc: tuple[int | str, ...]) -> str:
    """A key that its part does not have."""
    key, compared = str(place[-1]), place[0] == "comparisons"
    inside = place[2 if compared else 0 : -1]  # keys of the parts, from within the study, or a comparison
    part, mark = last_key(inside), str(loc[-2]) if len(loc) > 1 else ""
    if mark.startswith("<"):  # within a choice with settings
        return unknown_setting(part, mark[1:-3], key)
    if part in KEYED:
        return unknown_axis(key, AXES if part == "baseline" else VARIED)
    if part == "tune":
        return untunable(key)
    if part == "claims":
        return suggest(key, (EffectClaim if EFFECTS in loc else Claim).model_fields, "key")
    if GIVEN in loc and not inside and key in Comparison.model_fields:
        return f"{key!r} is for arms that are trained here, and these runs are there already; take it out"
    whole = (RunsComparison if GIVEN in loc else Comparison) if compared else StudyFile
    model = next((MODELS[step] for step in map(str, reversed(inside)) if step in MODELS), whole)
    return suggest(key, model.model_fields, "key")


def unknown_axis(key: str, axes: Collection[str]) -> str:
    """A key that names neither an axis nor a setting."""
    axis, dot, setting = key.partition(".")
    if axis not in axes:
        homes = [home for home in owners() if home.partition(".")[2] == axis]
        if homes and not dot:
            return f"{axis!r} is a setting, not an axis; did you mean {homes[0]!r}?"
        return suggest(axis, axes, "axis")
    if axis not in CHOICES:
        return f"{axis!r} has no settings; write '{axis}: …'"
    known = [home.partition(".")[2] for home in owners() if home.startswith(f"{axis}.")]
    return suggest(setting, known, f"setting of any {axis}")


def untunable(key: str) -> str:
    """A key of ``tune`` that cannot be searched."""
    axis, dot, setting = key.partition(".")
    options = list(Tune.model_fields)
    if not dot and axis not in AXES and nearest(axis, options):
        return suggest(axis, options, "key of 'tune'")
    if axis not in VARIED or (dot and key not in owners()):
        return unknown_axis(key, VARIED)
    if AXES[axis].untunable:
        return f"{axis!r} {AXES[axis].untunable}"
    if dot:
        return f"{setting!r} is no number; compare its values by 'vary:'"
    some = next((home for home in owners() if home.startswith(f"{key}.")), "optimizer.lr")
    return f"{key!r} is no number; compare its choices by 'vary:', and tune settings such as {some}"


def unknown_setting(axis: str, name: str, key: str) -> str:
    """A key that is no setting of a choice."""
    choice = CHOICES[axis].choices()[name]
    settings = ["settings"] * issubclass(choice, Open) + [known for known in choice.written() if known != "name"]
    none = f"{name!r} has no settings; take {key!r} out"
    return suggest(key, settings, f"setting of {name!r}") if settings else none
