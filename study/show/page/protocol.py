"""How the study was done: what each arm is; data, budget, devices, versions; what became of every run; its timing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from study.axes.base import Choice
from study.axes.custom import SETTINGS
from study.axes.dataset import Dataset
from study.axes.recipe import AXES, RECIPE, Recipe
from study.axes.trainer import Command
from study.metrics import METRICS
from study.plan.arm import Arm
from study.plan.file.labels import bare, short
from study.plan.plan import Plan, PlannedComparison
from study.plan.trials import NOTHING_CHOSEN
from study.show.formatting import NONE
from study.show.observations import Observations, loss_units, made_with
from study.show.page.timing import timed_on
from study.show.records import Records, by_dataset
from study.show.tables import ledger
from study.show.tables.results_table import target_text
from study.show.tables.tuning import arm_names, by_selection, chosen_cell
from study.show.templates import paragraph, paragraphs
from study.tasks import Regression
from study.wording import counted, listed, number

# Settings that say nothing, or that stand for the name.
UNSHOWN = {"sha256", "md5", "code", "factory", "cache", "label", "timeout"}
UNEQUAL = 1.5  # times the rows of the smallest class: above, a protocol speaks of it
LIMIT = 300  # rows of arms, and of reasons, that the page lists


def written(value: Any, tuned: Collection[str] = ()) -> str:
    """A choice with its settings, or a number: ``mlp (hidden=[64, 64])``.

    ``tuned``: the settings that are searched, of which ``value`` has no more than a stand-in; "" where it is one.
    """
    if not isinstance(value, Choice):
        return "tuned" if "" in tuned else number(value)
    hidden = UNSHOWN | {*tuned}
    given = {key: setting for key, setting in value.settings().items() if setting not in (None, [])}
    settings = {key.removeprefix(SETTINGS): setting for key, setting in given.items() if key not in hidden}
    if given.get("folds") is None:
        settings.pop("fold", None)  # of none
    if "path" in settings:
        settings["path"] = Path(settings["path"]).name  # the folder is somebody's own
    shown = ", ".join(f"{key}={number(setting)}" for key, setting in settings.items())
    searched = sorted(key.removeprefix(SETTINGS) for key in tuned)
    shown += "; " * bool(shown and tuned) + "tuned: " * bool(tuned) + ", ".join(searched)
    return f"{value.title} ({shown})" if shown else value.title


def planned(arm: Arm, axis: str) -> str:
    """What an arm has on an axis, as far as that is known before it is tuned."""
    stated = arm.outline.stated
    return written(stated[axis], arm.open(axis)) if axis in stated else NONE


def fixed(plan: Plan, comparison: PlannedComparison) -> list[tuple[str, str]]:
    """Axes (and their value) on which all arms of a comparison agree, but for those at their defaults."""
    return _agreed([plan.arms[arm.arm] for arm in comparison.arms if comparison.here])[0]


def agreed(plan: Plan) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The axes (and their value) on which all arms of the study agree: those that it sets, those at their defaults."""
    return _agreed([*plan.arms.values()])


def _agreed(arms: Sequence[Arm]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    chosen: list[tuple[str, str]] = []
    usual: list[tuple[str, str]] = []
    for axis in AXES if arms else ():
        values = {(arm.outline.stated.get(axis), frozenset(arm.open(axis))) for arm in arms}
        if len(values) > 1 or axis not in arms[0].outline.stated:
            continue
        default = getattr(arms[0].outline, axis) == Recipe.model_fields[axis].default
        (usual if default and not arms[0].open(axis) else chosen).append((axis, planned(arms[0], axis)))
    return chosen, usual


def asked(plan: Plan, comparison: PlannedComparison) -> str:
    """The question of a comparison: what varies, over which values; and what is tuned."""
    varied = {}
    for key in comparison.keys:
        if (
            comparison.here
            and key in AXES
            and AXES[key].choices
            and not any(other.startswith(f"{key}.") for other in comparison.keys)
        ):
            # With all settings: arms that differ in optimizer differ in rate too.
            values = [planned(plan.arms[arm.arm], key) for arm in comparison.arms]
        else:
            values = [bare(key, arm.values[key]) for arm in comparison.arms]
        varied[key.replace("_", " ")] = list(dict.fromkeys(values))
    searches = [plan.arms[arm].search for arm in comparison.trained] if comparison.here else []
    return paragraph(
        "asked",
        arms=len(comparison.arms),
        varied=varied,
        skipped=comparison.skipped,
        seeds=comparison.seeds,
        runs=comparison.runs,
        each=comparison.each,
        settings=listed(dict.fromkeys(short(key) for search in searches if search for key in search.covers)),
        everywhere=all(arm.tuned for arm in comparison.arms),
        by={METRICS[s].title: [METRICS[m].title for m in metrics] for s, metrics in by_selection(comparison).items()},
    )


def recipes(plan: Plan, records: Records) -> list[dict[str, str]]:
    """Every arm, as it is compared: its value on each axis on which not all agree, what tuning chose, and its id."""
    places, chosen = arm_names(plan), records.chosen
    same = {axis for part in agreed(plan) for axis, _ in part}
    stated = {axis for arm in plan.arms.values() for axis in arm.outline.stated} - same
    rows, axes = [], [axis for axis in AXES if axis in stated]
    for name, arm in list(plan.arms.items())[:LIMIT]:
        row = {"arm": "; ".join(places[name])} | {axis.replace("_", " "): planned(arm, axis) for axis in axes}
        if plan.searches:
            row["tuned to"] = ""
        if arm.selection:
            row["tuned to"] = f"{chosen_cell(chosen, name)}, by {METRICS[arm.selection.metric].title}"
        rows.append(row | {"id": name})
    return rows


def coverage(plan: Plan, records: Records) -> list[dict[str, Any]]:
    """How many runs of each comparison were planned and how they ended, and those of the study (where arms are shared,
    counted once).
    """
    runs, rows = records.runs, []
    parts = [(one.title, one.wanted) for one in plan.comparisons]
    given = runs["arm"].isin(list(plan.given))  # of which there are no more than are wanted
    for title, seeds in (*parts, ("whole study", plan.wanted)):
        mine = runs["arm"].isin(list(seeds)) & given
        status = runs.loc[mine | (runs["seed"] < runs["arm"].map(seeds).where(~given)), "status"]
        ends = {end: int((status == end).sum()) for end in ("finished", "diverged", "failed")}
        runs_planned = sum(seeds.values())
        missing = runs_planned - sum(ends.values())
        rows.append({"comparison": title, "planned": runs_planned} | ends | {"missing": missing})
    return rows


def reasons(plan: Plan, records: Records, why_untimed: str | None = None) -> list[tuple[str, str, int, str]]:
    """Arm, status, number of runs and reason, for what did not finish; and for arms that could not be timed."""
    labels: dict[Any, list[str]] = dict(arm_names(plan))
    runs = records.runs[records.runs["status"] != "finished"]
    found = [
        (labels[arm][0], str(status), len(rows), _reason(rows))
        for (arm, status), rows in runs.groupby(["arm", "status"])
    ]
    timing = records.timing[records.timing["reason"].notna()]
    found += [(labels[arm][0], "not timed", len(r), _reason(r)) for arm, r in timing.groupby("arm")]
    if why_untimed:
        found.append(("timing job", "failed", plan.timing.rounds if plan.timing else 0, why_untimed))
    return sorted(found)


def _reason(rows: pd.DataFrame) -> str:
    reasons = {NOTHING_CHOSEN: "every candidate of its tuning diverged, so it was not trained"}
    known = [reasons.get(str(reason), str(reason)) for reason in rows["reason"].dropna().unique()]
    return "; ".join(known[:3]) + " …" * (len(known) > 3)


def budgets(plan: Plan) -> list[str]:
    """``8 and 20 epochs``, ``500 steps``: of what is trained here, and not by scripts."""
    recipes = [arm.outline for arm in plan.arms.values() if not arm.outline.trainer.free]
    found = [(sorted({n for r in recipes if (n := getattr(r, unit))}), unit) for unit in ("epochs", "steps")]
    return [f"{listed(map(str, numbers))} {unit}" for numbers, unit in found if numbers]


def facts(plan: Plan, records: Records, why_untimed: str | None = None) -> list[tuple[str, str]]:
    """The protocol: matters, and what is to be said of each. ``why_untimed``: why the timing job failed."""
    runs = records.runs[records.runs["status"].isin(["finished", "diverged"])]
    timing = records.timing
    provenance = ("device", "torch_version", "python_version", "commit", "recipe_version")
    outlines = [arm.outline for arm in plan.arms.values()]
    trainers, ours = [recipe.trainer for recipe in outlines], [each for each in outlines if not each.trainer.free]
    intervals = sorted({recipe.evaluate.interval for recipe in ours}) or ["evaluation"]
    found = paragraphs(
        "protocol",
        plan=plan,
        datasets=_datasets(plan, runs),
        seeds=sorted({comparison.seeds for comparison in plan.comparisons if comparison.here}),
        given=[comparison for comparison in plan.comparisons if comparison.runs],
        budgets=budgets(plan),
        warm=sorted({written(own.start).partition(" ")[2] for own in ours if own.start.before}),
        intervals=intervals,
        resolutions=[interval if interval[0].isdigit() else f"one {interval}" for interval in intervals],
        scripts=list(dict.fromkeys(trainer.run for trainer in trainers if isinstance(trainer, Command))),
        targets=sorted({target_text(comparison.target) for comparison in plan.comparisons if comparison.target}),
        searches=ledger.searches(plan, records),
        why_untimed=" ".join((why_untimed or "").split()),  # a blank line would end the paragraph
        rounds=timing["round"].nunique(),
        blocks=timing["block"].nunique(),  # none are known of older ones
        timed_on=timed_on(plan, timing),
        threads=_all(timing, "threads"),
        claims=any(comparison.claims for comparison in plan.comparisons),
        paired=all(comparison.paired for comparison in plan.comparisons),
        processor=_processors(runs),
        timed_with=_processors(timing),
        mixed=_mixed(plan, records, runs),
        **{name: _all(runs, name) for name in provenance},
    )
    return [(name, text) for name, _, text in (part.partition(": ") for part in found)]


def _datasets(plan: Plan, runs: pd.DataFrame) -> list[dict[str, Any]]:
    """What the protocol says of each dataset."""
    found, splits = [], {"train": "training", "val": "validation", "test": "test"}
    for dataset, mine in by_dataset(plan, runs):
        rows = ", ".join(f"{int(mine[f'{s}_rows'].iloc[0]):,} {word}" for s, word in splits.items() if len(mine))
        regression = loss_units(dataset, mine) == {Regression.unit}
        about: dict[str, Any] = {
            name: getattr(dataset, name) for name in ("images", "split", "given_test", "folds", "fold")
        }
        about |= {"columns": dataset.found.summary if dataset.found else "", "unequal": _unequal(dataset)}
        rows = f"{rows} rows" if rows else ""
        found.append(about | {"written": written(dataset), "rows": rows, "regression": regression})
    return found


def _unequal(dataset: Dataset) -> dict[str, Any] | None:
    """The largest class and the smallest, where accuracies hide that; None where classes are alike, or not known."""
    total = dataset.found.rows if dataset.found else dataset.known_rows
    if not dataset.counts or not total:
        return None
    (most, larger), (least, smaller) = dataset.counts
    if larger < UNEQUAL * smaller:
        return None
    return {"total": total, "most": most, "larger": larger, "least": least, "smaller": smaller}


def metrics(plan: Plan, observations: Observations) -> list[tuple[str, str, str, str]]:
    """Title, unit, better and definition of the metrics that the study shows."""
    rows: list[tuple[str, str, str, str]] = []
    for name, about in {**METRICS, **METRICS.declared}.items():
        units = sorted({observations.unit(one.name, name) for one in plan.comparisons if name in one.metrics})
        kind = f"{about.mean} over {'rounds' if about.per_round else 'seeds'}"
        if units:
            unit = about.percent or "; ".join(units) or "–"
            rows.append((about.title, unit, about.better, f"{about.definition}; {kind}"))
    return rows


def _processors(runs: pd.DataFrame) -> str:
    """Models, and the instructions that torch used; empty where nobody noted them."""
    known = runs[["processor", "instructions"]].dropna(how="all").drop_duplicates().itertuples(index=False)
    return listed(sorted(", ".join(str(part) for part in way if pd.notna(part)) for way in known))


def _mixed(plan: Plan, records: Records, runs: pd.DataFrame) -> list[str]:
    """What the runs, the trials of searches and the timing were made with, and how many with each, where that is not
    the same for all.
    """
    searches = {name: arm.search.id for name, arm in plan.arms.items() if arm.search}
    trials = records.tuning.assign(search=records.tuning["arm"].map(searches))  # arms of a search have the same
    timing = records.timing.assign(recipe_version=RECIPE)  # older files do not say so: no other is read
    timing = timing[timing["torch_version"].notna()]
    counts = {
        "run": made_with(runs).value_counts(),
        "tuning run": made_with(trials.drop_duplicates(["search", "settings", "seed"])).value_counts(),
        "timed round": made_with(timing.drop_duplicates("round")).value_counts(),
    }
    if len({way for made in counts.values() for way in made.index}) < 2:
        return []
    return [
        f"{counted(int(count), noun)} with {way}"
        for noun, made in counts.items()
        for way, count in made.sort_index().items()
    ]


def _all(frame: pd.DataFrame, name: str) -> str:
    values = sorted(map(number, frame[name].dropna().unique()))
    return listed(dict.fromkeys(value[:12] if name == "commit" else value for value in values)) or "not known yet"
