"""What a figure of a comparison is drawn from: its tidy frames, and how its arms look."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from study.metrics import METRICS
from study.plan.plan import PlannedComparison
from study.plan.style import Style
from study.show.formatting import heading
from study.show.observations import Observations, cores_of, device_of, workers
from study.show.records import Records
from study.show.tables.results_table import BROKEN, ordered
from study.show.tables.tuning import ALL_DIVERGED, by_selection, doubts
from study.stats.estimates import Estimate, estimate_of

# seaborn's "colorblind", in the order of its lightness contrast; markers tell arms apart without colour.
COLOURS = ("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161", "#56b4e9", "#949494")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GAPS = ((4, 1.5), (1, 1), (6, 1.5, 1, 1.5), (3, 1, 1, 1, 1, 1), (8, 2), (2, 2), (5, 1, 2, 1))
LINES = ("-", *((0, gaps) for gaps in GAPS))
ARROWS = {"higher": "↑", "lower": "↓"}
USUAL = Style()
PLAIN = "0.35"  # of lines and markers whose colour says nothing
NOTED = 4  # arms of which a legend says more, beside the values of keys
KNOWN = 16  # arms that colour and marker together tell apart, at a glance


class Look(NamedTuple):
    """How an arm looks in all panels, by the names of matplotlib."""

    color: str
    marker: str
    linestyle: Any = "-"


def colours(style: Style) -> tuple[str, ...]:
    """Of arms, in the order in which they are given."""
    if not isinstance(style.palette, str):
        return style.palette
    if style.palette == "colorblind":
        return COLOURS
    from seaborn import color_palette

    return tuple(color_palette(style.palette).as_hex())


def looks(arms: Iterable[str], palette: Sequence[str] = COLOURS) -> dict[str, Look]:
    """One for each arm; colours repeat after all of the palette, with other markers."""
    n = len(palette)
    marked = {arm: (i % n, (i % n + i // n) % 8) for i, arm in enumerate(arms)}
    return {x: Look(palette[i], MARKERS[j], LINES[i % 8]) for x, (i, j) in marked.items()}


def factors(comparison: PlannedComparison, palette: Sequence[str] = COLOURS) -> dict[str, dict[str, Look]]:
    """What tells the values of keys that are crossed, by key and value: colours those of the first, lines those of the
    second, markers those of the third where there are three, else of the second too. Empty where the arms do not fill
    more than half of the grid of their keys, or have more values than there are looks.
    """
    every = [*comparison.levels.values()]
    told = every[: 3 if len(every) == 3 else 2]
    most = [len(palette), len(MARKERS), len(MARKERS)]
    many = any(len(values) > n for values, n in zip(told, most, strict=False))
    if len(every) < 2 or many or 2 * len(comparison.arms) <= prod(map(len, every)):
        return {}
    kinds = [
        [Look(colour, "") for colour in palette],
        [Look(PLAIN, marker if len(told) == 2 else "", line) for marker, line in zip(MARKERS, LINES, strict=True)],
        [Look(PLAIN, marker, "") for marker in MARKERS],
    ]
    pairs = zip(comparison.keys, told, kinds, strict=False)
    return {key: dict(zip(values, looks, strict=False)) for key, values, looks in pairs}


def crossed(comparison: PlannedComparison, told: Mapping[str, Mapping[str, Look]]) -> dict[str, Look]:
    """The look of each arm, by what ``factors`` says of its values."""
    found = {}
    for arm in comparison.arms:
        colour, *others = [told[key][arm.values[key]] for key in told]
        found[arm.label] = Look(colour.color, others[-1].marker, others[0].linestyle)
    return found


class Scaling(NamedTuple):
    """A comparison of numbers of devices, of which the reference has one."""

    devices: dict[str, int]  # by label
    named: str  # what is counted: "GPUs" or "CPU workers"
    cores: int | None  # that the CPU workers share; None where that is not known, and on GPUs


def scaling_of(comparison: PlannedComparison, records: Records) -> Scaling | None:
    """None where more than the number of devices varies, the reference is not one device, or no speedup is shown."""
    if comparison.keys != ("gpus",) or "speedup" not in comparison.metrics:
        return None
    gpus = records.runs.drop_duplicates("arm").set_index("arm")["gpus"].reindex(list(comparison.labels))
    if gpus.isna().any():
        return None
    devices = {label: int(gpus[arm]) for arm, label in comparison.labels.items()}
    if devices[comparison.reference] != 1:
        return None
    if workers(device_of(records.timing), devices.values()) == "CPU workers":
        return Scaling(devices, "CPU workers", cores_of(records.timing))
    return Scaling(devices, "GPUs", None)


class Evidence:
    """One comparison. ``labels``: its arms, the reference first; ``runs``: a row per planned run, with its status;
    ``curves``: a row per evaluation; ``colours``: of the palette of ``style``.
    """

    def __init__(
        self, comparison: PlannedComparison, records: Records, observations: Observations, style: Style = USUAL
    ) -> None:
        self.comparison, self.records, self.observations, self.style = comparison, records, observations, style
        self.labels, self.colours = ordered(comparison), colours(style)
        alike = dict.fromkeys(self.labels, Look(self.colours[0], MARKERS[0]))
        self.factors = factors(comparison, self.colours)
        arms = crossed(comparison, self.factors) if self.factors else looks(self.labels, self.colours)
        self.looks = {label: arms[label] for label in self.labels} if self.told else alike
        runs = observations.runs(comparison.name)
        self.runs = runs[runs["arm"].isin(list(comparison.labels))]
        self._ends: dict[Any, dict[Any, int]] = pd.crosstab(self.runs["label"], self.runs["status"]).to_dict("index")
        curves = records.curves[(records.curves["seed"] < comparison.seeds) | (not comparison.here)]
        self.curves = curves.assign(label=curves["arm"].map(comparison.labels)).dropna(subset="label")
        mine = records.runs["arm"].isin(list(comparison.trained))
        self.device = workers(device_of(records.timing), records.runs.loc[mine, "gpus"])  # as headings name it
        self.scaling = scaling_of(comparison, records)
        self.chosen = {arm: one for arm, one in records.chosen.items() if arm in comparison.trained}
        self._seconds = records.timing.groupby("arm")["step_seconds"].max()

    @property
    def told(self) -> bool:
        """Whether looks tell arms apart, or at least some of what they are."""
        return bool(self.factors) or len(self.labels) <= KNOWN

    @property
    def clock(self) -> str:
        """By what evaluations are told apart: ``epoch``, or ``step`` where only that is known."""
        return "epoch" if self.curves["epoch"].notna().any() or not len(self.curves) else "step"

    @property
    def classes(self) -> bool:
        """Whether this is a classification, so that there are accuracies to draw."""
        return bool(self.curves["val_accuracy"].notna().any())

    def of(self, metric: str) -> pd.DataFrame:
        """What ``metric`` is estimated from, a row per run or timing round: columns arm, label, seed, status, learned
        and value, in the unit shown; a value that is infinite did not reach the target.
        """
        rows = self.observations.of(self.comparison.name, metric)
        return rows.assign(value=rows["value"].astype(float) * METRICS[metric].multiplier)

    def dots(self, metric: str) -> pd.DataFrame:
        """Those of them that have a finite value."""
        return self.of(metric).query("abs(value) < inf")

    def estimates(self, metric: str) -> pd.DataFrame:
        """Columns estimate, low and high, in the unit shown; NaN where there is none. [labels]"""
        rows = [found[:3] for found in self._estimates(metric)]
        return pd.DataFrame(rows, self.labels, ["estimate", "low", "high"], dtype=float) * METRICS[metric].multiplier

    def estimator(self, metric: str) -> str:
        """What the estimates are: ``geometric mean of test loss``, and of which arms it is the median."""
        about, by = METRICS[metric], [one.estimator for one in self._estimates(metric)]
        if "median" not in by:
            return f"{about.mean} of {about.title}"
        runs = "did not reach the target" if about.target else "diverged" + ", or are 0" * about.ratio
        return f"{about.mean} of {about.title} (median of arms with runs that {runs})"

    def alike(self, metric: str) -> str:
        """What captions say of estimates without an interval, where there are such."""
        known = self.estimates(metric).dropna(subset="estimate")
        same = known["low"].isna() | (known["low"] == known["high"])
        return " (no bar where all rounds agree)" * bool(same.any())

    def _estimates(self, metric: str) -> list[Estimate]:
        """[labels]"""
        values = (self.observations.values(self.comparison.name, metric, label) for label in self.labels)
        return [estimate_of(metric, each) for each in values]

    def step_seconds(self, metric: str) -> dict[str, float]:
        """In the slowest round, by label: of the arms that ``metric`` is read from, as far as they were timed."""
        arms = self.comparison.arms_for(metric)
        return {label: float(self._seconds[arm]) for label, arm in arms.items() if arm in self._seconds.index}

    def tuned(self, metric: str) -> str:
        """``tuned by validation loss``: the arms that a metric is read from; empty where all are tuned by one."""
        if len(by_selection(self.comparison)) < 2:
            return ""
        return f"tuned by {METRICS[self.comparison.selections[metric]].title}"

    def axis(self, metric: str) -> str:
        """The axis label of a metric, with its unit, and an arrow to where it is better."""
        named = heading(metric, self.observations.unit(self.comparison.name, metric), self.device)
        return textwrap.fill(f"{named} {ARROWS[METRICS[metric].better]}", 34)

    def why_empty(self, metric: str) -> str:
        """Why there is nothing to draw of a metric."""
        if METRICS[metric].target and self.of(metric)["value"].notna().any():
            return "no run reached the target"
        ran = self.runs["status"].isin(["finished", "diverged"]).any()
        seconds = self.step_seconds(metric)
        needed = [self.comparison.reference] if metric == "speedup" else self.labels
        untimed = METRICS[metric].timed and not np.isfinite([seconds.get(label, np.nan) for label in needed]).any()
        if untimed and (ran or METRICS[metric].per_round):
            return "could not be timed" if seconds else "not timed yet"
        return "no run finished" if ran else "no runs yet"

    def broken(self, label: str) -> str:
        """How many runs of an arm did not finish: ``2 diverged, 1 failed of 16``; empty where all did."""
        ends = self._ends.get(label, {})
        parts = [f"{ends[name]} {name}" for name in BROKEN if ends.get(name)]
        return f"{', '.join(parts)} of {sum(ends.values())}" if parts else ""

    def marked(self, label: str, metric: str | None = None) -> str:
        """``undertuned``, ``chosen on a cliff`` where that holds for the arm that ``metric`` is read from, of every
        one where it is None; or that there was no setting to train it with.
        """
        metrics = self.comparison.used if metric is None else (metric,)
        arms = (self.comparison.arms_for(metric)[label] for metric in metrics)
        chosen = [self.chosen[arm] for arm in arms if arm in self.chosen]
        if None in chosen:
            return ALL_DIVERGED
        return ", ".join(dict.fromkeys(mark for one in chosen if one for mark in doubts(one)))

    def named(self, label: str, metric: str | None = None, width: int = 24) -> str:
        """The arm's label, with lines on runs that did not finish and on its tuning."""
        parts = (label, self.broken(label), self.marked(label, metric))
        return "\n".join(textwrap.fill(part, width) for part in parts if part)

    def legend(self) -> dict[str, dict[str, Look]]:
        """The looks of the arms, by what is to be known of each; of crossed keys those of their values, by key, then of
        the arms of which there is something to be known, as far as they are few: captions name them too.
        """
        shown = [label for label in self.looks if not self.factors or self.broken(label) or self.marked(label)]
        if self.factors and len(shown) > NOTED:
            shown = []
        arms = {self.named(label, width=28): self.looks[label] for label in shown}
        return self.factors | ({"": arms} if arms else {})
