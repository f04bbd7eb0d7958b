"""From a study file to its plan, or to all its mistakes of meaning."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pydantic import ValidationError

from study.axes.combinations import impossible
from study.axes.custom import Custom
from study.axes.dataset import Dataset
from study.axes.recipe import AXES, Recipe, split_key
from study.errors import Mistakes, join
from study.metric import Select
from study.metrics import METRICS
from study.plan.arm import Arm
from study.plan.check.claims import NO_TARGET, check_claims, check_families, check_shown, for_regression, unfit_for
from study.plan.check.decidability import refuse_hopeless, tested
from study.plan.elsewhere.expand import plan_runs
from study.plan.elsewhere.models import RunsComparison
from study.plan.file.labels import canonical
from study.plan.file.levels import planned_claim
from study.plan.file.matrix import DEFAULTS, Choices, Combination, Row, entries, key_place, matrix
from study.plan.file.models import Comparison, StudyFile
from study.plan.file.open_settings import OpenSettings, check_possible, open_settings, searches
from study.plan.file.read import read, refused
from study.plan.file.sources import Sources
from study.plan.plan import Plan, PlannedArm, PlannedComparison, Timing
from study.plan.search import Search, selections
from study.plan.style import missing_font
from study.store.checksums import Sums
from study.store.layout import Store
from study.target import Target

MOST = 20_000  # combinations of a study, those that are skipped too
OF_TRAINING = {"baseline", "seeds", "target", "tune"}  # keys of a study that are for arms which are trained


def prepare(path: Path, store: Store, remember: bool = False, cached: bool = False) -> Plan:
    """The plan of the study file at ``path``. Raises Refused with its mistakes: those of shape, else of meaning.

    ``remember``: keep the checksums of the files that data are in, so that they are not read at every start.
    ``cached``: nothing will be trained or timed, so that data which are gone are needed no more.
    """
    file, mistakes, sums = read(path), Mistakes(str(path)), Sums(store.root / "datasets" / "sums.json")
    METRICS.declared = {}
    expansion = Expansion(file, path.parent, sums, mistakes, store.study(file.study) / "plan.json")
    by_case: dict[str, str] = {}
    for name, comparison in file.comparisons.items():
        if (other := by_case.setdefault(name.casefold(), name)) != name:
            words = f"differs from {other!r} in case only, and so would their files; rename one"
            mistakes.add(join("comparisons", name), words)
        expansion.add(name, comparison)
    expansion.claims_right &= check_families(file.comparisons, mistakes)
    if not any(isinstance(comparison, Comparison) for comparison in file.comparisons.values()):
        for key in sorted(file.model_fields_set & OF_TRAINING):
            mistakes.add(key, "is for arms that are trained here, and all runs are there already; take it out")
    if expansion.claims_right:
        refuse_hopeless(tested(expansion.stated, file.seeds), file.looks or 1, mistakes)
    if not cached and (words := missing_font(file.style)):
        mistakes.add("style.font", words)
    mistakes.raise_any()
    if remember:
        sums.keep()
    plan = Plan(
        study=file.study,
        title=file.title or file.question or file.study,
        question=(file.question or "") if file.title else "",
        target=file.target,
        comparisons=tuple(expansion.comparisons),
        arms=expansion.arms,
        seeds=expansion.seeds,
        timing=Timing.of(expansion.comparisons),
        looks=file.looks or 1,
        style=file.style,
        folder=str(path.parent),
        places={factory: f"{path}: {place}" for factory, place in expansion.sources.places.items()},
    )
    if expansion.sources.gone and not cached:
        needed = needed_data(plan, store)
        for dataset, (place, words) in expansion.sources.gone.items():
            if dataset in needed:
                mistakes.add(place, words)
        mistakes.raise_any()
    return plan


def needed_data(plan: Plan, store: Store) -> set[str]:
    """The ids of the datasets that are still to be prepared, for what is to be trained and timed."""
    arms = [plan.arms[arm] for arm in plan.missing(store)]
    if plan.untimed(store):
        arms += plan.timed.values()
    return {arm.dataset_id for arm in arms if not store.dataset(arm.dataset_id).exists()}


class Expansion:
    """The comparisons of a study as they are planned, one after another, and all their arms."""

    def __init__(self, file: StudyFile, folder: Path, sums: Sums, mistakes: Mistakes, last: Path) -> None:
        self.file, self.mistakes = file, mistakes
        self.sources = Sources(folder, sums, mistakes, last)
        self.baseline = Choices(dict.fromkeys(AXES), {}).with_(entries(DEFAULTS | file.baseline, "baseline"))
        self.comparisons: list[PlannedComparison] = []
        self.arms: dict[str, Arm] = {}
        self.seeds: dict[str, int] = {}  # wanted of each arm
        self.combinations = 0
        self.claims_right = True  # so that it can be said which of them can be decided

    @property
    def stated(self) -> dict[str, Comparison | PlannedComparison]:
        """Where claims are stated: of runs that are there already it is known how many they are, once they are read."""
        planned = {comparison.name: comparison for comparison in self.comparisons}
        written = self.file.comparisons.items()
        return {name: planned[name] if isinstance(part, RunsComparison) else part for name, part in written}

    def add(self, name: str, comparison: Comparison | RunsComparison) -> None:
        """Plan one comparison. One with mistakes is left out."""
        if isinstance(comparison, RunsComparison):
            found = plan_runs(name, comparison, self.file.study, self.sources, self.mistakes)
            self.comparisons += [found] if found else []
            self.claims_right &= found is not None
        else:
            self._add(name, comparison)

    def _add(self, name: str, comparison: Comparison) -> None:
        path, before = join("comparisons", name), len(self.mistakes)
        self.combinations += comparison.size
        if self.combinations > MOST:
            words = f"makes {comparison.size:,} arms, and the study {self.combinations:,}"
            self.mistakes.add(path, f"{words}, with those that are skipped; vary fewer, {MOST:,} at most")
            return
        opened = open_settings(self.file, comparison, path, self.mistakes)
        if len(self.mistakes) > before:
            return
        baseline = self.baseline.with_(entries(comparison.baseline, join(path, "baseline")))
        made, skipped = matrix(comparison, path, baseline, opened.ranges if opened else (), self.mistakes)
        if len(self.mistakes) > before:
            return
        searched = {key: opened.places[key] for key in opened.ranges} if opened else {}
        rows = [row._replace(choices=self.sources.found(row.choices, searched)) for row in made]
        found = searches(opened, [row.choices for row in rows], path, self.mistakes) if opened else [None] * len(rows)
        plain = [self._arm(row, search) for row, search in zip(rows, found, strict=True)]
        if not self._check_apart(rows, plain, opened):
            return
        self._check_idle(rows, plain)
        labels = [row.label for row in rows]
        comparison = comparison.known(labels)
        target = comparison.target or self.file.target
        arms = {label: arm for label, arm in zip(labels, plain, strict=True) if arm}
        data = [arm.dataset for arm in arms.values() if arm.dataset]
        regression = next((dataset for dataset in data if dataset.has_no_classes), None)
        script = any(arm.outline.trainer.free for arm in arms.values())
        unfit = {name: why for name in comparison.used if (why := unfit_for(name, regression, target, script))}
        aimed = any(METRICS[name].target for name in comparison.used)
        if regression and aimed and target and target.metric == "val_accuracy":
            place = join(path, "target") if comparison.target else "target"
            self.mistakes.add(place, f"is an accuracy, and {for_regression(regression, 'give val_loss')}")
        check_shown(comparison, path, labels, unfit, self.mistakes, tuned=opened is not None)
        others = len(self.mistakes)
        check_claims(comparison, path, {row.label: row.shown for row in rows}, unfit, self.mistakes, arms)
        self.claims_right &= len(self.mistakes) == others
        by_metric = self._selections(comparison, opened, regression, target)
        if len(self.mistakes) > before:
            return
        self._plan(name, comparison, rows, arms, by_metric, target, skipped)

    def _plan(
        self,
        name: str,
        comparison: Comparison,
        rows: list[Row],
        arms: dict[str, Arm],
        by_metric: dict[str, Select],
        target: Target | None,
        skipped: int,
    ) -> None:
        """A comparison in which nothing is wrong. ``by_metric``: what the arms of each metric are tuned by."""
        seeds = comparison.seeds or self.file.seeds
        by_select: dict[Select | None, dict[str, Arm]] = {
            select: {label: arm.chosen_by(select, target) for label, arm in arms.items()}
            for select in by_metric.values() or [None]
        }
        for arm in [arm for selected in by_select.values() for arm in selected.values()]:
            self.arms[arm.id] = arm
            self.seeds[arm.id] = max(self.seeds.get(arm.id, 0), seeds)

        def of(metric: str, label: str) -> str:
            """The arm that a metric is read from."""
            return by_select[by_metric.get(metric)][label].id

        shown = {row.label: row.shown for row in rows}
        tuned = {
            label: {select: chosen[label].id for select, chosen in by_select.items() if select and arm.search}
            for label, arm in arms.items()
        }
        self.comparisons.append(
            PlannedComparison(
                **comparison.planned(name, rows[0].label),
                keys=tuple(rows[0].shown),
                arms=tuple(
                    PlannedArm(
                        arm=of(comparison.metrics[0], row.label),
                        label=row.label,
                        values=row.shown,
                        tuned=tuned[row.label],
                    )
                    for row in rows
                ),
                skipped=skipped,
                seeds=seeds,
                target=target,
                claims=tuple(planned_claim(claim, shown, partial(of, claim.metric)) for claim in comparison.claims),
                selections=by_metric,
                given={row.label: row.given for row in rows if row.given},
                coupled=comparison.coupled if any(row.given for row in rows) else (),
            )
        )

    def _arm(self, row: Row, search: Search | None) -> Arm | None:
        """The arm, of a tuned one before anything is selected; None where it cannot be."""
        try:
            recipe = search.first_recipe if search else Recipe.model_validate(row.choices.differing)
        except ValidationError as failure:
            for error in failure.errors():
                axis, places = str(error["loc"][0]), row.choices.places
                setting = f"{axis}.{error['loc'][2]}" if len(error["loc"]) > 2 else axis
                at = places.get(setting, places[axis])
                at = key_place(at) if error["type"] == "extra_forbidden" else at
                self.mistakes.add(at, refused(error, axis))
            return None
        if (reason := impossible(recipe)) and not (search and any(search.covered(axis) for axis in reason[0])):
            axes, words = reason
            own = {key.partition(".")[0]: entry.place for key, entry in row.combination.items()}
            at = next((own[axis] for axis in axes if axis in own), "")
            skip = ", or leave the combination out by 'skip:'" if at else ""
            self.mistakes.add(at or row.choices.places.get(axes[0], "baseline"), words + skip)
        return Arm(search=search) if search else Arm(recipe=recipe)

    def _check_apart(self, rows: list[Row], arms: list[Arm | None], opened: OpenSettings | None) -> bool:
        """Note arms that are the same (then False: labels mean nothing) or called so, and impossible candidates."""
        by_id: dict[str, Combination] = {}
        by_label: dict[str, Combination] = {}
        for row, arm in zip(rows, arms, strict=True):
            if arm is None:
                continue
            if arm.id in by_id:
                here, there = _difference(row.combination, by_id[arm.id])
                self.mistakes.add(here, f"makes the same arm as {there}; keep one")
            elif row.label in by_label:
                here, there = _difference(row.combination, by_label[row.label])
                self.mistakes.add(here, f"gives the label {row.label!r}, as {there} does; labels must differ")
            by_id[arm.id] = by_label[row.label] = row.combination
            if opened and arm.search:
                check_possible(arm.search, opened, self.mistakes)
        return len(by_id) == sum(arm is not None for arm in arms)

    def _check_idle(self, rows: list[Row], arms: list[Arm | None]) -> None:
        """Note arms that differ only in what their network does not take: they train alike, under two names."""
        first: dict[str, str] = {}  # all else that an arm sets → where the first sets what is not taken
        for row, arm in zip(rows, arms, strict=True):
            network = arm and arm.outline.network
            keys = [key for key in row.combination if network and split_key(key)[0] in network.idle]
            if not network or not keys:
                continue
            rest = canonical({key: entry.value for key, entry in row.combination.items() if key not in keys})
            axis, place = split_key(keys[0])[0], row.combination[keys[0]].place
            there = first.setdefault(rest, place)
            if there != place:
                own = f"make it a setting of the factory (network.settings.{axis}), or " * isinstance(network, Custom)
                words = f"{network.title!r} takes no {axis}, so that this is the same arm as {there}"
                self.mistakes.add(place, f"{words}; {own}leave the combination out by 'skip:'")

    def _selections(
        self, comparison: Comparison, opened: OpenSettings | None, regression: Dataset | None, target: Target | None
    ) -> dict[str, Select]:
        """What the arms of each metric are tuned by; empty without. ``regression``: a dataset without classes."""
        if opened is None:
            return {}
        given, place = opened.options.select, opened.places["select"]
        claimed = [claim.metric for claim in comparison.claims if not claim.exploratory]
        found = selections(comparison.used, given, claimed, regression is not None)
        if regression is not None and (accuracies := [one for one in found.values() if METRICS[one].accuracy]):
            instead = accuracies[0].replace("accuracy", "loss")
            words = f"{accuracies[0]!r} needs classes and {for_regression(regression, f'use {instead}')}"
            self.mistakes.add(place, words)
        if given and not target and "steps_to_target" in found.values():
            self.mistakes.add(place, f"'steps_to_target' {NO_TARGET}")
        return found


def _difference(first: Combination, second: Combination) -> tuple[str, str]:
    """Where two combinations of one comparison part: the places of what they do not share."""
    key = next(key for key, entry in first.items() if second.get(key) != entry)
    return first[key].place, (second.get(key) or next(iter(second.values()))).place
