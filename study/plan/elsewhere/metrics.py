"""Which metrics a file of runs has: known ones, and those that the study file declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from study.errors import Mistakes, join, nearest
from study.metrics import METRICS, Final, Metric
from study.plan.elsewhere.models import RunsFile, RunsMetric, columns

EXAMPLE = "better: higher, unit: points"


def own_metrics(found: Mapping[str, RunsMetric]) -> dict[str, Metric]:
    """The records of those that are not known here."""
    return {
        name: Metric(
            one.title or name.replace("_", " "),
            one.unit or "",
            f"as the file of the runs has it, in {one.column!r}",
            Final(twin=None),
            one.better,
            subtracted=one.compare != "factor",
            worded=True,
        )
        for name, one in found.items()
        if one.better
    }


def resolve(
    file: RunsFile, used: Sequence[tuple[str, str]], at: str, mistakes: Mistakes
) -> dict[str, RunsMetric] | None:
    """Metric → its column, of all that the file maps and that the comparison shows or claims; None with mistakes.

    ``used``: metrics, and the places where each is named; ``at``: the place of ``runs:``.
    """
    before, found = len(mistakes), columns(file.metrics)
    for name, one in found.items():
        if wrong := _wrong(name, one):
            mistakes.add(join(at, "metrics", name), wrong)
    for name, place in used:
        if name in found:
            continue
        if name in METRICS and not _not_here(name):
            found[name] = RunsMetric(column=name)
            continue
        close = nearest(name, [*found, *(known for known in METRICS if not _not_here(known))])
        meant = f"did you mean {close!r}? or " if close else ""
        say = f"{meant}add it to {join(at, 'metrics')}: {{{name}: {{column: …, {EXAMPLE}}}}}"
        mistakes.add(place, _not_here(name) or f"{name!r} is no metric of these runs; {say}")
    return found if len(mistakes) == before else None


def _not_here(name: str) -> str:
    """Why no file can hold a known metric; empty where it can, or where it is not known."""
    about = METRICS.get(name)
    if about is None or not (about.timed or about.target):
        return ""
    how = "by a timing job, alone on its device" if about.timed else "at every evaluation, against one target"
    declare = f"my_{name}: {{column: …, better: {about.better}, unit: {about.unit}}}"
    return f"{name!r} is measured here {how}, and these runs were not trained here; declare what you have: {declare}"


def _wrong(name: str, one: RunsMetric) -> str:
    """What is wrong with how a metric is declared; empty where nothing is."""
    if name in METRICS:
        about = METRICS[name]
        known = f"{name!r} is known ({about.title}, {about.better} is better)"
        return _not_here(name) or (f"{known}; take {one.says[0]!r} out, or give it another name" if one.says else "")
    if one.better is None:
        close = nearest(name, METRICS)
        meant = f"did you mean {close!r}? or " if close else ""
        return f"{name!r} is not known here; {meant}say what it is: {{column: {one.column}, {EXAMPLE}}}"
    return ""
