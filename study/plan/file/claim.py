"""What a comparison shows and states: its metrics, its claims, figures printed elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, JsonValue, Tag

from study.axes.base import Frozen, Part
from study.metrics import METRICS
from study.plan.file.keys import checked_as, tag, union, word
from study.plan.style import FigureStyle, TableStyle
from study.stats.exact import PRIMARY
from study.wording import one_line

Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]  # files are called so
Text = Annotated[str, Field(pattern=r"\S")]
Line = Annotated[str, AfterValidator(one_line)]  # lines that are folded in the file are one
Heading = Annotated[Text, AfterValidator(one_line)]
LIST = Field(strict=False, min_length=1)
UNIQUE = Field(json_schema_extra={"uniqueItems": True})  # else noted by `expand`, with what is meant instead
Printed = Annotated[Text | int | float, Field(description="As printed there.")]
WORDS = [word(name, f"{about.title}: {about.definition}") for name, about in METRICS.items()]
MetricName = Annotated[str, checked_as(union("metric", WORDS, Discriminator(tag)))]


Levels = Annotated[dict[Text, JsonValue], Field(min_length=1)]
Margin = Annotated[
    float | None,
    Field(
        ge=0,
        allow_inf_nan=False,
        description="By more than how much: of accuracies, gaps and shares a difference as a fraction (0.01 is a "
        "point), of all else a factor less one (0.1 is a factor of 1.1).",
    ),
]
Exploratory = Annotated[bool, Field(description="May be one that so few seeds cannot decide.")]
Family = Annotated[
    Heading, Field(description="Claims of a family are corrected together (Holm); each family holds 5 % of its own.")
]


class Claim(Frozen):
    """A statement about two arms, or two levels of a factorial, declared before training."""

    metric: Annotated[MetricName, Field(description="What the two arms are compared by; it need not be shown.")]
    better: Annotated[
        Line | Levels,
        Field(description="Label of the arm that is claimed to be better; or levels, such as {schedule: cosine}."),
    ]
    than: Annotated[Line | Levels, Field(description="Label of the other arm; or other levels of the same axes.")]
    margin: Margin = None
    kind: Annotated[Literal["better", "equal"], Field(description="equal: they differ by less than the margin.")] = (
        "better"
    )
    derived: Annotated[bool, Field(description="Its metric follows from that of another claim.")] = False
    exploratory: Exploratory = False
    family: Family = PRIMARY


class EffectClaim(Frozen):
    """A statement that one axis of a factorial matters more than another, declared before training."""

    metric: Annotated[MetricName, Field(description="What the main effects are on; it need not be shown.")]
    effect: Annotated[Line, Field(description="The axis that is claimed to matter more.")]
    exceeds: Annotated[Line, Field(description="The other axis.")]
    margin: Margin = None
    exploratory: Exploratory = False
    family: Family = PRIMARY
    kind: ClassVar[Literal["better"]] = "better"
    derived: ClassVar[bool] = False


Arms = dict[str, str]  # label → arm
LATER = {"better_arms", "than_arms", "effects", "family"}  # of claims: what older studies do not say


class PlannedClaim(Claim):
    """``better`` and ``than`` are labels; or levels as text (``schedule=cosine``); or the axes whose effects are
    compared.
    """

    metric: str
    better: str
    than: str
    better_arm: str  # the arms that the metric is read from; of several a digest
    than_arm: str
    # Of levels: all arms that have them, in pairs that are alike in all else. Of effects: all arms of the comparison,
    # which are those of neither side.
    better_arms: Arms = Field(default_factory=dict)
    than_arms: Arms = Field(default_factory=dict)
    effects: bool = False

    @property
    def form(self) -> str:
        """Its kind, or that it compares effects."""
        return "effect" if self.effects else self.kind

    @property
    def about(self) -> str:
        """What it is about, whatever its labels are."""
        return f"{self.metric} {self.form} {self.better_arm} {self.than_arm}"

    @property
    def sides(self) -> tuple[Arms, Arms]:
        """The arms of each side; of effects both sides rest on all."""
        if self.effects:
            return self.better_arms, self.better_arms
        return self.better_arms or {self.better: self.better_arm}, self.than_arms or {self.than: self.than_arm}

    @property
    def arms(self) -> Arms:
        """All that it is about."""
        return self.sides[0] | self.sides[1]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Labels of arms that it compares with each other, two by two."""
        one, other = self.sides
        if self.effects:
            first, *rest = one
            return [(first, label) for label in rest]
        return list(zip(one, other, strict=True))


ARMS, EFFECTS = "(arms)", "(effects)"  # kinds of claims, in pydantic's errors


def claim_kind(given: object) -> str:
    """What a claim is about."""
    if isinstance(given, dict):
        return EFFECTS if given.keys() & {"effect", "exceeds"} else ARMS
    return EFFECTS if isinstance(given, EffectClaim) else ARMS


class Reported(Frozen):
    """Figures printed elsewhere, by label and metric, and their source."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Annotated[dict[MetricName, Printed], Field(min_length=1)]]

    source: Printed | None = None

    def figures(self) -> dict[str, dict[str, str]]:
        """Label → metric → the figure as text."""
        found = self.__pydantic_extra__.items()
        return {one_line(label): {m: one_line(str(f)) for m, f in given.items()} for label, given in found}


class Measured:
    """What has ``metrics`` that it shows, and ``claims``."""

    @property
    def used(self: Any) -> tuple[str, ...]:
        """The metrics that are shown or claimed."""
        return tuple(dict.fromkeys((*self.metrics, *(claim.metric for claim in self.claims))))


class BaseComparison(Measured, Part):
    """What a comparison says of itself, whoever trains its runs."""

    title: Annotated[Line | None, Field(description="Heading of the table and the figure.")] = None
    metrics: Annotated[
        tuple[MetricName, ...], LIST, UNIQUE, Field(description="What the table shows, the figure the first.")
    ]
    reference: Annotated[
        Line | None, Field(description="Label of the arm that others are held against; by default the first.")
    ] = None
    reported: Annotated[
        Reported, Field(description="Figures printed elsewhere, by label and metric, and their source.")
    ] = Field(default_factory=lambda: Reported.model_validate({}))
    claims: Annotated[
        tuple[
            Annotated[Annotated[Claim, Tag(ARMS)] | Annotated[EffectClaim, Tag(EFFECTS)], Discriminator(claim_kind)],
            ...,
        ],
        Field(strict=False, description="What is claimed before training, and judged after it."),
    ] = ()
    figure: Annotated[FigureStyle | None, Field(description="Which panels its figure has.")] = None
    table: Annotated[TableStyle | None, Field(description="Which columns its LaTeX and Markdown tables have.")] = None

    def planned(self, name: str, first: str) -> dict[str, Any]:
        """The same of it as it is planned. ``first``: the label of its first arm."""
        source = self.reported.source
        return {
            "name": name,
            "title": self.title or name.replace("_", " ").replace("-", " ").capitalize(),
            "metrics": self.metrics,
            "reference": first if self.reference is None else self.reference,
            "source": None if source is None else one_line(str(source)),
            "reported": self.reported.figures(),
            "figure": self.figure,
            "table": self.table,
        }

    def known(self, labels: Iterable[str]) -> Self:
        """The same with the ``labels`` of its arms as they are, wherever it names one in another case."""
        by_case: dict[str, list[str]] = {}
        for label in dict.fromkeys(labels):
            by_case.setdefault(label.casefold(), []).append(label)

        def as_it_is(label: object) -> object:
            alike = by_case.get(label.casefold(), ()) if isinstance(label, str) else ()
            return alike[0] if len(alike) == 1 else label

        claims = (
            claim.model_copy(update={"better": as_it_is(claim.better), "than": as_it_is(claim.than)})
            if isinstance(claim, Claim)
            else claim
            for claim in self.claims
        )
        changed = {"reference": as_it_is(self.reference), "claims": tuple(claims)}
        figures = self.reported.__pydantic_extra__
        if len({*map(as_it_is, figures)}) == len(figures):  # else two are of one arm, and one is told to be of none
            given = {as_it_is(label): own for label, own in figures.items()}
            changed["reported"] = type(self.reported).model_validate({"source": self.reported.source} | given)
        return self.model_copy(update=changed)
