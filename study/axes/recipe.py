"""A recipe: a choice on every axis. To add an axis is to add a field here, and the lines that act on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field
from pydantic.fields import FieldInfo

from study.axes import training
from study.axes.activation import Activation, ReLU
from study.axes.base import (
    NEEDED,
    NOT_GIVEN,
    OPTIONAL,
    Axis,
    Choice,
    Count,
    Fraction,
    Frozen,
    NonNegative,
    canonical,
    digest,
    whole,
)
from study.axes.dataset import Dataset
from study.axes.datasets import custom_dataset, files, table  # noqa: F401  their datasets are choices too
from study.axes.init import Default, Init
from study.axes.network import Network
from study.axes.optimizer import Optimizer
from study.axes.optimizers import per_run  # noqa: F401  so are its optimizers
from study.axes.regularizer import NoPenalty, Regularizer
from study.axes.schedule import Constant, Schedule
from study.axes.trainer import Command, Engine, Trainer

NUMBERS = (float, int, bool)  # types of an axis without choices
RECIPE = 2  # raised by hand when the meaning of training changes: every arm gets a new id


class Recipe(Frozen):
    """Everything about a run follows from its recipe and its seed. Axes with a default may be left out."""

    dataset: Annotated[Dataset, NEEDED] = NOT_GIVEN
    network: Annotated[Network, NEEDED] = NOT_GIVEN
    activation: Activation = ReLU()
    init: Init = Default()
    start: training.Start = training.Afresh()
    dropout: Annotated[
        Fraction,
        Axis(
            "Rate at which hidden activations are dropped, in [0, 1).", "dropout rates", rated=True, step=bool
        ),
    ] = 0.0  # fmt: skip
    optimizer: Annotated[Optimizer, NEEDED] = NOT_GIVEN
    schedule: Schedule = Constant()
    regularizer: Regularizer = NoPenalty()
    grad_clip: Annotated[
        NonNegative,
        Axis("Norm that longer gradients are scaled down to; 0: none is.", "clipping norms", rated=True, step=bool),
    ] = 0.0
    label_smoothing: Annotated[
        Fraction,
        Axis(
            "Share of every training label that is spread evenly over all classes, in [0, 1); "
            "losses are reported without.",
            "amounts of label smoothing", rated=True, step=bool,
        ),
    ] = 0.0  # fmt: skip
    train_share: Annotated[
        float,
        Field(gt=0, le=1),
        Axis(
            "Share of the training rows that is trained on, of every class alike, in (0, 1]; smaller shares are part "
            "of larger ones. It is drawn as the split is: by split_seed, or by each seed.",
            "shares of the training rows", shared=True, step=whole, length="epoch",
            untunable="is what the arms are trained on; take it out",
        ),
    ] = 1.0  # fmt: skip
    label_noise: Annotated[
        Fraction,
        Axis(
            "Share of the training labels, in [0, 1), that are replaced by another class, drawn by each seed; those of "
            "train_loss and train_accuracy too.",
            "shares of wrong labels", rated=True, untunable="is what the arms are trained on; take it out",
        ),
    ] = 0.0  # fmt: skip
    batch_size: Annotated[
        Count, NEEDED, Axis("Rows a step.", "batch sizes", shared=True, rated=True, step=whole, length="epoch")
    ] = NOT_GIVEN  # fmt: skip
    epochs: Annotated[
        Count,
        OPTIONAL,
        Axis(
            "Passes over the training rows: the budget, unless it is given in steps.", "budgets", shared=True,
            length="run", instead_of="steps", untunable="is the budget, the same for every candidate; take it out",
        ),
    ] = NOT_GIVEN  # fmt: skip
    steps: Annotated[
        Count,
        OPTIONAL,
        Axis(
            "Steps: the budget, in place of epochs.", "budgets", shared=True, length="run", instead_of="epochs",
            column="budget_steps", untunable="is the budget, the same for every candidate; take it out",
        ),
    ] = NOT_GIVEN  # fmt: skip
    evaluate: training.Evaluation = training.EachEpoch()
    ema: Annotated[
        Fraction,
        Axis(
            "Decay of an average of the parameters over the steps, in [0, 1), which is evaluated in their place; "
            "0: they are evaluated as they are.",
            "decays of averages", step=bool,
        ),
    ] = 0.0  # fmt: skip
    early_stopping: training.EarlyStopping = training.Never()
    augmentation: training.Augmentation = training.NoAugmentation()
    precision: training.Precision = training.Float32()
    gpus: Annotated[
        Count,
        Axis(
            "Devices a run: each takes its part of every batch.", "numbers of devices", shared=True, step=whole,
            untunable="changes no result; take it out",
        ),
    ] = 1  # fmt: skip
    stack: Annotated[bool, Axis("false: train runs one at a time.", "", varies=False)] = True
    tf32: Annotated[
        bool,
        Axis(
            "true: on GPUs, matrix products and convolutions in TF32, faster and less exact than float32.", "",
            varies=False, shared=True, step=whole,
        ),
    ] = False  # fmt: skip
    trainer: Trainer = Engine()

    def training_rows(self, rows: int) -> int:
        """How many it is trained on, of so many of its dataset."""
        return max(1, round(self.train_share * rows))

    def budget(self, rows: int) -> int:
        """Steps of a run that is trained on so many rows."""
        return self.steps or self.epochs * -(-rows // self.batch_size)

    @property
    def before(self) -> Recipe | None:
        """What is trained before, with whose parameters it begins; None where nothing is."""
        differing = self.start.before
        return None if differing is None else self.but(**differing)

    def but(self, **axes: Any) -> Recipe:
        """The same with other choices; a copy of a model would keep its id."""
        return Recipe(**{axis: getattr(self, axis) for axis in AXES} | axes)

    @property
    def ends_early(self) -> bool:
        """Whether its runs may take fewer steps than their budget."""
        return isinstance(self.early_stopping, training.Patience)

    @cached_property
    def id(self) -> str:
        """12 hex digits over the settings that differ from their defaults, and ``RECIPE``."""
        return digest(self.fragment())

    def fragment(self, without: Collection[str] = ()) -> str:
        """Canonical JSON of what differs from its default, and ``RECIPE``; ``without``: keys to leave out."""
        content: dict[str, Any] = {"recipe": RECIPE}
        homes = [split_key(key) for key in without]
        for axis, default in DEFAULTS.items():
            value = getattr(self, axis)
            hidden = {setting for home, setting in homes if home == axis} if homes else ()
            differs = value is not default and value != default
            if isinstance(value, Choice):
                if differs or hidden:
                    content[axis] = {name: given for name, given in value.differing().items() if name not in hidden}
            elif differs and not hidden:
                content[axis] = value
        return canonical(content)

    @cached_property
    def dataset_id(self) -> str:
        """12 hex digits over what is learned from; empty where only a script knows."""
        return id_of_data(self.dataset) if self.dataset else ""

    @property
    def stated(self) -> dict[str, Any]:
        """By axis, what is known of its runs: all of the engine's; of those of a script what the study gives."""
        values = {axis: getattr(self, axis) for axis in AXES}
        if not self.trainer.free:
            return values
        return {axis: own for axis, own in values.items() if own != Recipe.model_fields[axis].default}

    def told(self) -> dict[str, Any]:
        """What a script reads: its settings by their names, and the other axes that the study gives."""
        given = {axis: value for axis, value in self.stated.items() if axis != "trainer"}
        given = {a: v.model_dump(mode="json") if isinstance(v, Choice) else v for a, v in given.items()}
        return given | (self.trainer.keywords() if isinstance(self.trainer, Command) else {})

    @property
    def stacked(self) -> bool:
        """Whether its runs are trained side by side, and what is trained before."""
        first = self.before
        again = (self.optimizer and self.optimizer.again) or (first and first.optimizer and first.optimizer.again)
        return self.stack and not self.trainer.free and not again

    @property
    def choices(self) -> tuple[Choice, ...]:
        """On every axis that has some."""
        return tuple(value for axis in AXES if isinstance(value := getattr(self, axis), Choice))

    def value(self, key: str) -> Any:
        """Of a setting (``optimizer.lr``) or an axis."""
        axis, setting = split_key(key)
        return getattr(self, axis) if setting is None else getattr(getattr(self, axis), setting)

    def shared(self) -> tuple[Any, ...]:
        """Equal for runs that may be stacked: what a pack must share."""
        return tuple(getattr(self, axis) for axis, about in AXES.items() if about.shared)

    @cached_property
    def kind(self) -> str:
        """12 hex digits, equal for runs that one pack may hold; and apart from those that are not to be stacked."""
        return self._digest(axis for axis, about in AXES.items() if about.shared)

    @cached_property
    def pace(self) -> str:
        """12 hex digits, equal for runs whose packs step at one speed: of one kind, whatever their budget."""
        if self.trainer.free:
            return digest(self.trainer.pace)
        return self._digest(axis for axis, about in AXES.items() if about.shared and about.step)

    def _digest(self, axes: Iterable[str]) -> str:
        content = {axis: getattr(self, axis) for axis in (*axes, "stack")}
        return digest(canonical({k: v.differing() if isinstance(v, Choice) else v for k, v in content.items()}))

    def operations(self, **other: Any) -> tuple[Any, ...]:
        """Equal for recipes whose steps take equally long. ``other``: values in place of the recipe's own."""
        values = {axis: other.get(axis, getattr(self, axis)) for axis in AXES}
        return tuple(about.step(values[axis]) for axis, about in AXES.items() if about.step)

    def columns(self) -> dict[str, Any]:
        """One value per axis, by its column: the choice's name, or the number."""
        values = dict.fromkeys(AXES) | {"gpus": self.gpus} | self.stated
        named = ((AXES[axis].column or axis, value) for axis, value in values.items())
        return {name: value.title if isinstance(value, Choice) else value for name, value in named}


def id_of_data(dataset: Dataset) -> str:
    return digest(canonical({"recipe": RECIPE, "dataset": dataset.differing()}))


def axis_of(name: str, field: FieldInfo) -> Axis:
    """The record of a field of ``Recipe``. Raises TypeError where it has none, or is of a type that no axis has."""
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, Choice):
        return replace(kind.axis, choices=kind)
    if kind not in NUMBERS:
        given, known = getattr(kind, "__name__", kind), ", ".join(number.__name__ for number in NUMBERS)
        raise TypeError(f"Recipe.{name} is of {given}; an axis is of {known}, or of a class of choices (for texts too)")
    found = next((about for about in field.metadata if isinstance(about, Axis)), None)
    if found is None:
        raise TypeError(f"Recipe.{name} has no record; write {name}: Annotated[{kind.__name__}, Axis(…)]")
    return found


AXES = {name: axis_of(name, field) for name, field in Recipe.model_fields.items()}
DEFAULTS = {axis: field.default for axis, field in Recipe.model_fields.items()}
REQUIRED = [name for name, field in Recipe.model_fields.items() if NEEDED in field.metadata]  # by the engine


def split_key(key: str) -> tuple[str, str | None]:
    """``optimizer.lr`` is ("optimizer", "lr"); ``optimizer`` is ("optimizer", None)."""
    axis, _, setting = key.partition(".")
    return axis, setting or None


def changes_steps(key: str, zero: bool) -> bool:
    """Whether values of an axis or a setting may differ in how long a step takes; ``zero``: whether one may be 0."""
    axis, setting = split_key(key)
    about = AXES[axis]
    if about.choices and any(setting in choice.costly for choice in about.choices.choices().values()):
        return True
    return about.step is whole or (about.step is not None and zero)
