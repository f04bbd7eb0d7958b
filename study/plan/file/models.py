"""The study file, typed through and through: its shape is what these models accept. What it means is for ``expand``."""

from __future__ import annotations

from math import prod
from types import GenericAlias
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from study.axes.base import Part
from study.axes.recipe import AXES
from study.metric import Select
from study.plan.elsewhere.models import RunsComparison
from study.plan.file.claim import LIST, UNIQUE, BaseComparison, Line, Slug, Text
from study.plan.file.keys import (
    VARIED,
    BaselinePart,
    Written,
    checked_as,
    fields,
    mapping,
    of_axis,
    of_setting,
    owners,
    searchable,
    with_own,
)
from study.plan.search import MOST, MOST_SEEDS, Range
from study.plan.style import Style
from study.target import Target

Seeds = Annotated[int, Field(ge=1, le=100_000)]
TRAINED, GIVEN = "(trained here)", "(there already)"  # kinds of comparisons, in pydantic's errors
EXTEND = 4  # further trials of one search for all runs, unless the study says otherwise
TUNING_SEEDS = 3  # of such a search, likewise


class Tune(Part):
    """Settings to search, at the same budget for every arm."""

    by_seed: Annotated[
        bool | None,
        Field(description="A search of its own, with seeds of its own, for each run; true, unless 'extend' is given."),
    ] = None
    seeds: Annotated[
        int | None,
        Field(ge=1, le=MOST_SEEDS, description="Fresh seeds, never those of final runs; 1, or 3 where not by_seed."),
    ] = None
    extend: Annotated[
        int | None, Field(ge=0, le=1000, description="Further trials, past the edge or around the best.")
    ] = None
    search: Annotated[Literal["grid", "sobol"], Field(description="Every point of the grid, or quasi-random.")] = "grid"
    trials: Annotated[int | None, Field(ge=2, le=MOST, description="Trials of a quasi-random search.")] = None
    select: Annotated[
        tuple[Select, ...] | None,
        checked_as(Select | Annotated[tuple[Select, ...], LIST, UNIQUE] | None),
        AfterValidator(lambda given: (given,) if isinstance(given, str) else given),
        Field(description="What the best candidate is chosen by."),
    ] = None

    @property
    def each_run(self) -> bool:
        """Whether every run has a search of its own; further trials are those of one search for all."""
        return not self.extend if self.by_seed is None else self.by_seed

    @property
    def tuning_seeds(self) -> int:
        """Of every candidate of a search."""
        return self.seeds or (1 if self.each_run else TUNING_SEEDS)

    @property
    def further(self) -> int:
        """Trials of a selection after those that serve all."""
        return (0 if self.each_run else EXTEND) if self.extend is None else self.extend

    def ranges(self) -> dict[str, Range]:
        """Where each setting is searched."""
        return {key: own for key, own in self if key in self.model_fields_set and key not in Tune.model_fields}


class ArmPart(Part):
    """Of an arm: what it has beside what it sets."""

    label: Annotated[Text | None, Field(description="Stands for the settings in the label of the arm.")] = None


TuneBlock = Annotated[
    Tune,
    checked_as(
        create_model(
            "Tune",
            __base__=with_own(Range, [axis for axis in VARIED if not AXES[axis].untunable], Tune),
            __doc__=Tune.__doc__,
            **fields(dict.fromkeys(searchable(), Range)),
        )
    ),
]
KINDS = {axis: of_axis(axis) for axis in AXES} | {key: of_setting(key, homes) for key, homes in owners().items()}
VARIABLE = {key: kind for key, kind in KINDS.items() if key.partition(".")[0] in VARIED}
SEVERAL = {key: Annotated[GenericAlias(tuple, (kind, ...)), LIST] for key, kind in VARIABLE.items()}
Baseline = mapping("Baseline", "The choice on every axis.", KINDS, base=BaselinePart)
Laid = mapping("ComparisonBaseline", "What differs from the study's baseline.", KINDS)
Vary = mapping("Vary", "Lists of values.", SEVERAL, own=Annotated[tuple[JsonValue, ...], LIST])
ArmEntry = mapping("Arm", "Coupled settings: one arm.", VARIABLE, base=ArmPart)
Pattern = mapping("Pattern", "Matches arms that have these values.", VARIABLE)


class Comparison(BaseComparison):
    """A named set of arms that are compared: one table, one figure."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["vary"]}, {"required": ["arms"]}]})

    baseline: Annotated[Written, checked_as(Laid)] = Field(
        default_factory=dict, description="What differs from the study's baseline here."
    )
    vary: Annotated[dict[str, list[JsonValue]], checked_as(Vary)] = Field(
        default_factory=dict, description="Lists of values; every combination is an arm."
    )
    arms: Annotated[
        Annotated[tuple[Annotated[Written, checked_as(ArmEntry)], ...], LIST] | None,
        Field(description="Coupled settings: one arm each."),
    ] = None
    skip: Annotated[
        tuple[Annotated[Written, checked_as(Pattern)], ...], Field(strict=False, description="Combinations left out.")
    ] = ()
    seeds: Annotated[Seeds | None, Field(description="Runs per arm, if not the study's.")] = None
    target: Annotated[Target | None, Field(description="If not the study's.")] = None
    tune: Annotated[TuneBlock | None, Field(description="What differs from the study's; null for no tuning.")] = None

    @property
    def coupled(self) -> tuple[str, ...]:
        """The keys of ``arms``, in the order written."""
        return tuple(dict.fromkeys(key for arm in self.arms or () for key in arm if key != "label"))

    @property
    def size(self) -> int:
        """How many combinations ``arms`` and ``vary`` make, those that are skipped too."""
        return len(self.arms or ({},)) * prod(map(len, self.vary.values()))

    @model_validator(mode="after")
    def _names_arms(self) -> Self:
        if not self.arms and not self.vary:
            raise PydanticCustomError("words", "names no arms; give 'vary:' or 'arms:'")
        return self


def kind_of(given: object) -> str:
    """Whether a comparison rests on runs that are there already, or its arms are trained."""
    there = "runs" in given if isinstance(given, dict) else isinstance(given, RunsComparison)
    return GIVEN if there else TRAINED


class StudyFile(Part):
    """One YAML file: a question, a baseline, comparisons."""

    model_config = ConfigDict(
        json_schema_extra={  # a baseline, unless all runs are there already
            "anyOf": [
                {"required": ["baseline"]},
                {"properties": {"comparisons": {"additionalProperties": {"required": ["runs"]}}}},
            ]
        }
    )

    study: Annotated[Slug, Field(description="Names the folder of the results.")]
    title: Annotated[Line | None, Field(description="Heading of the report; without it the question is.")] = None
    question: Annotated[Line | None, Field(description="What it is to answer; stands above the results.")] = None
    baseline: Annotated[
        Written,
        checked_as(Baseline),
        Field(description="The choice on every axis unless an arm says otherwise."),
    ] = Field(default_factory=dict)
    seeds: Annotated[Seeds, Field(description="Runs per arm: seeds 0, 1, …")] = 16
    target: Annotated[Target | None, Field(description="The validation level that counts as converged.")] = None
    tune: Annotated[TuneBlock | None, Field(description="Settings to search, at the same budget for every arm.")] = None
    looks: Annotated[
        int | None, Field(ge=1, le=100, description="How often the claims are judged, each time on more or other data.")
    ] = None
    style: Annotated[Style, Field(description="How figures look.")] = Style()
    comparisons: Annotated[
        dict[
            Slug,
            Annotated[
                Annotated[Comparison, Tag(TRAINED)] | Annotated[RunsComparison, Tag(GIVEN)],
                Discriminator(kind_of),
            ],
        ],
        Field(min_length=1, description="What is compared: one table and one figure each."),
    ]
