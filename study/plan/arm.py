"""An arm: one full recipe as a frozen value, and its content id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, model_serializer, model_validator

from study.axes import (
    AXES,
    NUMBERS,
    AnyActivation,
    AnyDataset,
    AnyInit,
    AnyNetwork,
    AnyOptimizer,
    AnyRegularizer,
    AnySchedule,
    Choice,
    Count,
    Fraction,
)
from study.axes.activation import ReLU
from study.axes.init import Default
from study.axes.regularizer import NoPenalty
from study.axes.schedule import Constant
from study.plan.file.choices import SWITCHES, split_key
from study.plan.searches.space import Settings, Tune

RECIPE = 1  # raised by hand when the meaning of training changes: every arm gets a new id
WRITTEN = (*AXES, *SWITCHES)  # what a study file can say of an arm


class Arm(BaseModel):
    """A choice on every axis. Everything about a run follows from ``(arm, seed)``.

    Settings that ``tune`` searches are no part of the arm: a value in the middle stands in for them here (it is
    neither written nor in the id) until ``settled`` puts in those that were chosen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    dataset: AnyDataset
    network: AnyNetwork
    activation: AnyActivation = ReLU()
    init: AnyInit = Default()
    dropout: Fraction = 0.0
    optimizer: AnyOptimizer
    schedule: AnySchedule = Constant()
    regularizer: AnyRegularizer = NoPenalty()
    batch_size: Count
    epochs: Count
    gpus: Count = 1
    stack: bool = True
    tf32: bool = False
    tune: Tune | None = None

    @model_validator(mode="before")
    @classmethod
    def _stand_in(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("tune") is None:
            return given
        tune = given["tune"] if isinstance(given["tune"], Tune) else Tune.model_validate(given["tune"])
        filled = dict(given)
        for key, value in tune.middle.items():
            axis, setting = split_key(key)
            if setting is None:
                filled.setdefault(axis, value)
            elif isinstance(filled.get(axis), dict):
                filled[axis] = {setting: value} | filled[axis]
        return filled

    @model_serializer(mode="wrap")
    def _without_stand_in(self, dump: Callable[[Arm], dict[str, Any]]) -> dict[str, Any]:
        content = dump(self)
        if self.tune is None:
            del content["tune"]
            return content
        for key in self.tune.covers:
            axis, setting = split_key(key)
            del (content if setting is None else content[axis])[setting or axis]
        return content

    @cached_property
    def id(self) -> str:
        """12 hex digits over the settings that differ from their defaults, how they are tuned, and ``RECIPE``."""
        parts = [f'"recipe":{RECIPE}']
        for axis in WRITTEN:
            value, field = getattr(self, axis), Arm.model_fields[axis]
            covered = self.tune.covered(axis) if self.tune else set()
            if covered and isinstance(value, Choice):
                kept = {name: given for name, given in value.differing().items() if name not in covered}
                parts.append(f'"{axis}":{canonical(kept)}')
            elif not covered and (field.is_required() or value != field.default):
                parts.append(f'"{axis}":{fragment(value)}')
        if self.tune:
            parts.append(f'"tune":{self.tune.fragment}')
        return digest("{" + ",".join(sorted(parts)) + "}")

    @property
    def trials(self) -> str | None:
        """The same for arms whose tuning makes the same first trials, and chooses among them by another metric."""
        if self.tune is None:
            return None
        search = Tune.model_construct(None, **{**dict(self.tune), "select": "val_loss", "target": None})
        return Arm.model_construct(None, **{**dict(self), "tune": search}).id

    @property
    def dataset_id(self) -> str:
        return digest(fragment(self.dataset))

    def value(self, key: str) -> Any:
        """Of a setting (``optimizer.lr``) or an axis."""
        axis, setting = split_key(key)
        return getattr(self, axis) if setting is None else getattr(getattr(self, axis), setting)

    def settled(self, settings: Settings) -> Arm:
        """The arm with ``settings`` in place and nothing left to tune. Raises ValueError where they are refused."""
        row = {axis: getattr(self, axis) for axis in WRITTEN}
        for key, value in settings.items():
            axis, setting = split_key(key)
            if setting is None:
                row[axis] = TypeAdapter(NUMBERS[axis]).validate_python(value, strict=True)
            else:
                choice: Choice = row[axis]
                row[axis] = type(choice).model_validate(choice.model_dump() | {setting: value})
        return Arm.model_construct(None, **row)

    def columns(self) -> dict[str, Any]:
        """One value per axis: the choice's name, or the number."""
        values = {axis: getattr(self, axis) for axis in AXES}
        return {axis: v.name if isinstance(v, Choice) else v for axis, v in values.items()}

    def impossible(self) -> tuple[tuple[str, ...], str] | None:
        """The axes that do not go together and why; None where the arm can be trained."""
        network, dataset, size = self.network, self.dataset, self.batch_size
        if network.images_only and not dataset.images:
            return ("network", "dataset"), f"{network.name!r} needs images and {dataset.name!r} has none; use 'mlp'"
        if self.dropout > 0 and not network.hidden_layers:
            return ("dropout", "network"), f"{network.name!r} has no hidden layer to drop from; use dropout 0"
        if size < self.gpus:
            return ("batch_size", "gpus"), f"a batch of {size} cannot be split over {self.gpus} devices; use fewer"
        if not network.batch_statistics:
            return None
        if self.gpus > 1:
            words = "batch normalization would see one device's part of a batch only; use gpus 1, or batch_norm: false"
            return ("gpus", "network"), words
        axes = ("batch_size", "network", "dataset")
        if size == 1:
            return axes, "batch normalization needs at least two rows a batch; use a larger batch"
        rows = dataset.rows and split_sizes(dataset.rows)[0]
        if rows and rows % size == 1:
            return axes, (
                f"batches of {size} cut {rows} training rows so that one row is left for the last, "
                "too few for batch normalization; use another batch size"
            )
        return None


def split_sizes(rows: int) -> tuple[int, int, int]:
    """Rows for training, validation and test: 60/20/20 %, rounded up for the last two."""
    fifth = -(-rows // 5)
    return rows - 2 * fifth, fifth, fifth


@lru_cache(maxsize=None, typed=True)  # 1, 1.0 and True are equal but written differently
def fragment(value: Choice | float) -> str:
    """Canonical JSON of one choice: sorted keys, no spaces, settings at their defaults left out."""
    return canonical(value.differing() if isinstance(value, Choice) else value)


def canonical(content: Mapping[str, Any] | float) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
