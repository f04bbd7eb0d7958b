"""What a study file says of runs that are there already: where they are, and what their columns mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, JsonValue, Tag, model_validator
from pydantic_core import PydanticCustomError

from study.axes.base import Frozen, Positive
from study.metric import Final, Metric
from study.plan.file.claim import (
    ARMS,
    EFFECTS,
    LIST,
    UNIQUE,
    BaseComparison,
    Claim,
    EffectClaim,
    Heading,
    Line,
    Printed,
    Reported,
    Slug,
    Text,
    claim_kind,
)

Name = Annotated[str, Field(min_length=1)]  # of a column
Names = Annotated[tuple[Name, ...], LIST, UNIQUE]
Words = Annotated[tuple[Name, ...], Field(strict=False)]
CurveMetric = Literal["train_loss", "val_loss", "test_loss", "train_accuracy", "val_accuracy", "test_accuracy"]
LONG = "long form takes both 'metric:', the column with names of metrics, and 'value:', the one with their values"


class RunsMetric(Frozen):
    """A metric of the file: its column and scale; and of one that is not known here, what it is."""

    column: Annotated[Name, Field(description="Its column; in long form, its name in the column of metrics.")]
    scale: Annotated[Positive, Field(description="What its values are multiplied by; 0.01 where they are percent.")] = 1
    better: Annotated[Literal["higher", "lower"] | None, Field(description="Which way is.")] = None
    unit: Annotated[Line | None, Field(description="As it is shown.")] = None
    title: Annotated[Heading | None, Field(description="What text calls it.")] = None
    compare: Annotated[
        Literal["difference", "factor"] | None,
        Field(description="How arms are compared in it; by default by their difference."),
    ] = None

    @property
    def says(self) -> list[str]:
        """The keys that say what it is."""
        return [key for key in ("better", "unit", "title", "compare") if getattr(self, key) is not None]


class RunsStatus(Frozen):
    """How runs ended, and the words for it where they are not the usual ones."""

    column: Name
    finished: Annotated[Words, Field(description="Values that mean: to the end.")] = ()
    diverged: Annotated[Words, Field(description="Values that mean: with a loss that was not finite.")] = ()
    failed: Annotated[Words, Field(description="Values that mean: by an accident; it is to be run again.")] = ()
    missing: Annotated[Words, Field(description="Values that mean: not yet.")] = ()


class RowsFile(Frozen):
    """A file with a row for each run, or evaluation; in long form for each of its metrics."""

    path: Annotated[Text, Field(description="A CSV or Parquet file, seen from the study file.")]
    label: Annotated[Name | Names | None, Field(description="As of the runs, unless it is given.")] = None
    seed: Annotated[Name | None, Field(description="As of the runs, unless it is given.")] = None
    metric: Annotated[Name | None, Field(description="Of long form: the column with the names of metrics.")] = None
    value: Annotated[Name | None, Field(description="Of long form: the column with their values.")] = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns of the label."""
        return (self.label,) if isinstance(self.label, str) else self.label or ()

    @model_validator(mode="after")
    def _has_both(self) -> Self:
        if (self.metric is None) != (self.value is None):
            raise PydanticCustomError("words", LONG)
        return self


class CurvesFile(RowsFile):
    """One row per run and evaluation (in long form, and metric)."""

    epoch: Annotated[Name | None, Field(description="The column with the number of epochs.")] = None
    step: Annotated[Name | None, Field(description="The column with the number of steps.")] = None
    metrics: Annotated[
        dict[CurveMetric, Name | RunsMetric],
        Field(min_length=1, description="Metric → its column (in long form, its name)."),
    ]

    @model_validator(mode="after")
    def _has_time(self) -> Self:
        if self.epoch is None and self.step is None:
            raise PydanticCustomError("words", "names no time; give the column of 'epoch:' or of 'step:'")
        return self


class RunsFile(RowsFile):
    """Runs that are there already: one row per run, or in long form per run and metric."""

    label: Annotated[Name | Names, Field(description="The column, or columns, that tell arms apart.")]
    seed: Annotated[Name | None, Field(description="The column with the seed; without it runs are numbered.")] = None
    metrics: Annotated[
        dict[Slug, Name | RunsMetric],
        Field(description="Metric → its column (in long form, its name). A column of the metric's name needs none."),
    ] = Field(default_factory=dict)
    status: Annotated[Name | RunsStatus | None, Field(description="The column that says how a run ended.")] = None
    empty: Annotated[
        Literal["diverged", "failed", "missing"] | None, Field(description="What a run without a value is.")
    ] = None
    paired: Annotated[
        bool, Field(description="Whether a seed gave every arm the same: order of rows, initial parameters, split.")
    ] = False
    curves: Annotated[CurvesFile | None, Field(description="Evaluations of these runs, to be drawn.")] = None

    def placed(self, place: Callable[[str], str]) -> RunsFile:
        """The same, with paths of its files as ``place`` has them."""
        curves = self.curves and self.curves.model_copy(update={"path": place(self.curves.path)})
        return self.model_copy(update={"path": place(self.path), "curves": curves})

    @property
    def ends(self) -> RunsStatus | None:
        return RunsStatus(column=self.status) if isinstance(self.status, str) else self.status

    @model_validator(mode="after")
    def _has_seed(self) -> Self:
        if self.metric and self.seed is None:
            raise PydanticCustomError("words", "long form needs 'seed:', which says which rows are of one run")
        return self


class RunsClaim(Claim):
    metric: Annotated[Slug, Field(description="What the two arms are compared by; it need not be shown.")]


class RunsEffectClaim(EffectClaim):
    metric: Annotated[Slug, Field(description="What the main effects are on; it need not be shown.")]


class RunsReported(Reported):
    model_config = ConfigDict(title="Reported")

    __pydantic_extra__: dict[str, Annotated[dict[Slug, Printed], Field(min_length=1)]]


class RunsComparison(BaseComparison):
    """A named set of arms whose runs are there already, trained by whomever."""

    runs: Annotated[RunsFile, Field(description="Where the runs are, and what their columns mean.")]
    metrics: Annotated[tuple[Slug, ...], LIST, UNIQUE, Field(description="What the table shows, the figure the first.")]
    reported: Annotated[
        RunsReported, Field(description="Figures printed elsewhere, by label and metric, and their source.")
    ] = Field(default_factory=lambda: RunsReported.model_validate({}))
    claims: Annotated[
        tuple[
            Annotated[
                Annotated[RunsClaim, Tag(ARMS)] | Annotated[RunsEffectClaim, Tag(EFFECTS)], Discriminator(claim_kind)
            ],
            ...,
        ],
        Field(strict=False, description="What is claimed, and judged."),
    ] = ()


class PlannedRuns(Frozen):
    """Runs that were not trained here, as they were when the study was planned. Paths are as seen from here."""

    file: RunsFile
    sha256: str
    curves_sha256: str | None
    metrics: dict[str, RunsMetric]  # that are read
    seeds: dict[str, tuple[int, ...]]  # of the runs of each arm

    @property
    def name(self) -> str:
        """Of the file, without its folder, which is somebody's own."""
        return Path(self.file.path).name

    @property
    def read(self) -> dict[str, dict[str, JsonValue]]:
        """What is read of the file: metric → its column, and what that is."""
        return {name: one.model_dump(mode="json") for name, one in self.metrics.items()}

    @property
    def paths(self) -> list[Path]:
        return [Path(self.file.path), *([Path(self.file.curves.path)] if self.file.curves else [])]


def columns(metrics: Mapping[str, str | RunsMetric] | Mapping[CurveMetric, str | RunsMetric]) -> dict[str, RunsMetric]:
    """Metric → its column, in full."""
    return {name: RunsMetric(column=one) if isinstance(one, str) else one for name, one in metrics.items()}


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
