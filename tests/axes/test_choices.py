"""Every choice that there is: named once, documented, strict, and read back as written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Literal

import pytest
from pydantic import ValidationError

from study.axes.base import Choice, Frozen
from study.axes.recipe import AXES, NUMBERS, Recipe, axis_of

CHOICES = {axis: about.choices for axis, about in AXES.items() if about.choices}

REQUIRED = {"lr": 0.1, "path": "somewhere", "target": "y", "factory": "tests.mine:network"}  # without a default
REQUIRED |= {"run": "python train.py {recipe} {seed} {log}"}
EVERY = [
    pytest.param(cls, id=f"{axis}-{name}") for axis, kind in CHOICES.items() for name, cls in kind.choices().items()
]

NAMES = {  # at least
    "dataset": "digits breast_cancer wine diabetes idx table",
    "network": "linear mlp convnet",
    "activation": "identity sigmoid tanh relu leaky_relu gelu silu elu",
    "init": "default zeros xavier_uniform xavier_normal he_uniform he_normal orthogonal",
    "optimizer": "sgd momentum nesterov adagrad rmsprop adadelta adam adamw nadam lion",
    "schedule": "constant step exponential cosine linear polynomial one_cycle warmup_cosine plateau",
    "regularizer": "none l1 l2 elastic_net",
}


def make(cls: type[Choice], **settings: object) -> Choice:
    required = {key: value for key, value in REQUIRED.items() if key in cls.model_fields}
    return cls.model_validate({**required, **settings})


@pytest.mark.parametrize("axis", NAMES)
def test_the_choices_of_the_design_are_there(axis: str) -> None:
    assert set(NAMES[axis].split()) <= set(CHOICES[axis].choices())


def test_every_axis_has_choices_or_is_a_number_or_a_switch() -> None:
    assert list(AXES) == list(Recipe.model_fields)  # a field without its record would not be varied, and say nothing
    plain = {axis: field.annotation for axis, field in Recipe.model_fields.items() if axis not in CHOICES}
    today = {"dropout": float, "batch_size": int, "epochs": int, "gpus": int, "stack": bool, "tf32": bool}
    today |= {"steps": int}
    today |= dict.fromkeys(("grad_clip", "label_smoothing", "label_noise", "train_share", "ema"), float)
    assert today.items() <= plain.items()
    assert set(plain.values()) <= set(NUMBERS)
    assert {axis for axis in today if not AXES[axis].varies} == {"stack", "tf32"}


class Text(Frozen):
    mode: Literal["a", "b"] = "a"
    depth: int | None = None
    rate: float = 0.0


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("mode", "Recipe.mode is of Literal; an axis is of float, int, bool, or of a class of choices (for texts too)"),
        ("depth", "Recipe.depth is of int | None; an axis is of float, int, bool, or of a class of choices"),
        ("rate", "Recipe.rate has no record; write rate: Annotated[float, Axis(…)]"),
    ],
)
def test_a_field_that_is_no_axis_is_refused(field: str, words: str) -> None:
    with pytest.raises(TypeError, match=re.escape(words)):
        axis_of(field, Text.model_fields[field])


OWN = """
from typing import Literal
from study.axes.dataset import Dataset
class Own(Dataset):
    name: Literal["own"] = "own"
"""


@pytest.mark.parametrize("said", ["", '    known_task = "clasification"'])
def test_a_dataset_says_its_task(said: str) -> None:
    """In a process of its own, since a class stays in the registry."""
    done = subprocess.run([sys.executable, "-c", OWN + said], capture_output=True, text=True, check=False)
    words = 'TypeError: Own says no task; give known_task = "classification" or "regression"'
    assert done.stderr.splitlines()[-1].startswith(words)


@pytest.mark.parametrize("axis", AXES)
def test_an_axis_is_described(axis: str) -> None:
    about = AXES[axis]
    assert about.description.endswith(".")
    assert "\n" not in about.description
    assert bool(about.plural) == about.varies  # which messages name what arms differ in


@pytest.mark.parametrize("cls", EVERY)
def test_a_choice_reads_back_as_written(cls: type[Choice]) -> None:
    choice = make(cls)
    assert cls.model_validate_json(choice.model_dump_json()) == choice
    assert cls.model_validate(json.loads(json.dumps({"name": choice.name} | choice.settings()))) == choice


@pytest.mark.parametrize("cls", EVERY)
def test_a_choice_is_documented(cls: type[Choice]) -> None:
    assert cls.__doc__ is not None
    assert "\n" not in cls.__doc__.split("\n\n")[0].strip(), "the first paragraph is one line: tables show it"


@pytest.mark.parametrize("cls", EVERY)
def test_a_choice_is_strict_and_frozen(cls: type[Choice]) -> None:
    choice = make(cls)
    with pytest.raises(ValidationError, match=r"extra_forbidden|string_pattern_mismatch"):
        make(cls, unheard_of=1)
    for setting in cls.model_fields:
        with pytest.raises(ValidationError):
            make(cls, **{setting: {"neither": "text nor number"}})
        with pytest.raises(ValidationError, match="frozen"):
            setattr(choice, setting, getattr(choice, setting))


@pytest.mark.parametrize("cls", EVERY)
def test_text_is_not_a_number(cls: type[Choice]) -> None:
    for setting, value in make(cls).settings().items():
        if isinstance(value, int | float):
            with pytest.raises(ValidationError):
                make(cls, **{setting: str(value)})


@pytest.mark.parametrize("cls", EVERY)
def test_numbers_are_finite(cls: type[Choice]) -> None:
    for setting, value in make(cls).settings().items():
        if isinstance(value, float):
            for odd in (float("nan"), float("inf")):
                with pytest.raises(ValidationError):
                    make(cls, **{setting: odd})
