"""What ``check`` says of claims and comparisons before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.errors import Refused
from study.plan.file.expand import prepare
from study.store.layout import Store

Check = Callable[[Any], tuple[int, str, list[str]]]
CLAIM = {"metric": "test_accuracy", "better": "relu", "than": "tanh"}
METRICS = ("test_accuracy", "test_loss", "train_loss", "val_loss")


def claims(*, seeds: int, number: int = 1, **changes: Any) -> dict[str, Any]:
    """Changes of the small study: so many claims, of which the first is changed."""
    stated = [CLAIM | {"metric": metric} for metric in METRICS[:number]]
    stated[0] = stated[0] | changes
    return {"seeds": seeds, "claims": stated}


def refused(study: dict[str, Any], check: Check, looks: int = 1, **changes: Any) -> list[str]:
    """What is wrong with the claims of the small study; none of it is about anything else."""
    made = claims(**changes)
    study["seeds"], study["looks"], study["comparisons"]["a"]["claims"] = made["seeds"], looks, made["claims"]
    code, out, lines = check(study)
    assert code == (2 if lines else 0)
    assert bool(out) != bool(lines)
    return lines


# The smallest p of a two-sided test is 2/2^n, and every claim of m at its floor must be at most 0.05/m.
@pytest.mark.parametrize(("number", "fewest"), [(1, 6), (2, 7), (3, 7), (4, 8)])
def test_a_claim_without_a_chance_is_refused(number: int, fewest: int, study: dict[str, Any], check: Check) -> None:
    assert refused(study, check, seeds=fewest, number=number) == []
    (line,) = refused(study, check, seeds=fewest - 1, number=number)
    places = "".join(f", [{i}]" for i in range(1, number))
    limit, which = (f"0.05/{number} claims", "any of them") if number > 1 else ("0.05", "it")
    assert line == (
        f"s.yaml: comparisons.a.claims[0]{places}: no outcome of {fewest - 1} seeds can decide {which}: the smallest p "
        f"is {2 / 2 ** (fewest - 1):.2g}, above {limit}; give seeds: {fewest}, or exploratory: true"
    )
    assert refused(study, check, seeds=int(line.split("give seeds: ")[1].split(",")[0]), number=number) == []


def test_a_claim_shares_the_level_with_its_family_only(study: dict[str, Any], check: Check) -> None:
    assert len(refused(study, check, seeds=6, number=2)) == 1
    assert refused(study, check, seeds=6, number=2, family="first") == []
    study["comparisons"]["a"]["claims"] = [CLAIM | {"metric": metric, "family": "speed"} for metric in METRICS[:2]]
    study["comparisons"]["a"]["claims"].append(CLAIM | {"metric": METRICS[2]})
    (line,) = check(study)[2]
    assert "claims[0], [1]: no outcome of 6 seeds can decide any of them: the smallest p is 0.031, " in line
    assert line.endswith("above 0.05/2 claims of speed; give seeds: 7, or exploratory: true")


def test_claims_that_are_refused_alike_share_a_line(study: dict[str, Any], check: Check) -> None:
    study["comparisons"]["b"] = {"vary": {"activation": ["elu", "gelu"]}, "metrics": ["test_loss"], "claims": [
        {"metric": "test_loss", "better": "elu", "than": "gelu"},
        {"metric": "val_loss", "better": "elu", "than": "gelu", "kind": "equal", "margin": 0.1},
    ]}  # fmt: skip
    lines = refused(study, check, seeds=4, number=2)
    assert [line.partition(": no outcome")[0].removeprefix("s.yaml: ") for line in lines] == [
        "comparisons.a.claims[0], [1], comparisons.b.claims[0]",
        "comparisons.b.claims[1]",  # whose test is one-sided, so that fewer seeds are enough
    ]


def test_nothing_is_said_to_equal_itself(study: dict[str, Any], check: Check) -> None:
    study |= {"seeds": 6}
    study["comparisons"]["a"]["claims"] = [CLAIM]
    out = check(study)[1]
    assert "the smallest p must be at most 0.05 (too large: in brackets)" in out
    study |= {"seeds": 7}
    study["comparisons"]["a"]["claims"] = [CLAIM, CLAIM | {"metric": "test_loss"}]
    assert "the smallest p must be at most 0.05/2 claims = 0.025 (" in check(study)[1]


def test_looks_share_the_level(study: dict[str, Any], check: Check) -> None:
    assert refused(study, check, seeds=6) == []
    (line,) = refused(study, check, seeds=6, looks=2)
    assert "above 0.05/2 looks; give seeds: 7," in line
    assert refused(study, check, seeds=7, looks=2) == []


def test_equality_needs_a_seed_less(study: dict[str, Any], check: Check) -> None:
    (line,) = refused(study, check, seeds=4, kind="equal", margin=0.1)
    assert "the smallest p is 0.062, above 0.05; give seeds: 5," in line
    assert refused(study, check, seeds=5, kind="equal", margin=0.1) == []


def test_exploratory_claims_may_be_hopeless_and_still_count(study: dict[str, Any], check: Check) -> None:
    assert refused(study, check, seeds=3, exploratory=True) == []
    assert len(refused(study, check, seeds=6, number=2, exploratory=True)) == 1


def test_derived_and_counted_metrics_do_not_count(study: dict[str, Any], check: Check) -> None:
    (line,) = refused(study, check, seeds=6, derived=True)
    words = "test_accuracy follows from no other metric that is claimed of these two arms; take 'derived' out"
    assert line.endswith(f"claims[0].derived: {words}")
    (parent,) = claims(seeds=6, metric="train_seconds")["claims"]
    study["seeds"] = 6  # room for one claim only
    study["comparisons"]["a"]["claims"] = [parent, parent | {"metric": "speedup", "derived": True}]
    assert check(study)[0] == 0
    study["comparisons"]["a"]["claims"][1]["derived"] = False
    assert check(study)[0] == 2
    assert refused(study, check, seeds=3, metric="memory_mib") == []
    assert refused(study, check, seeds=6, number=2, metric="memory_mib") == []


def test_timed_metrics_are_tested_over_rounds(study: dict[str, Any], check: Check) -> None:
    assert refused(study, check, seeds=3, metric="step_seconds") == []  # timing has six rounds at least
    assert "no outcome of 3 seeds" in refused(study, check, seeds=3, number=2, metric="step_seconds")[1]
    study["target"] = {"metric": "val_accuracy", "value": 0.9}
    assert "no outcome of 3 seeds" in refused(study, check, seeds=3, metric="seconds_to_target")[0]
    lines = refused(study, check, seeds=6, number=2, metric="step_seconds")
    assert "no outcome of 6 rounds can decide it" in lines[0]
    assert "give seeds: 7, of which there are then as many rounds, or" in lines[0]
    other = {"vary": {"activation": ["elu", "gelu"]}, "metrics": ["train_seconds"], "seeds": 7}
    study["comparisons"]["b"] = other  # its rounds serve all comparisons
    assert len(refused(study, check, seeds=6, number=2, metric="step_seconds")) == 0


def test_a_comparison_of_few_seeds_may_come_last(study: dict[str, Any], check: Check) -> None:
    study["comparisons"]["b"] = {
        "vary": {"activation": ["elu", "gelu"]}, "metrics": ["test_loss"], "seeds": 6,
        "claims": [{"metric": "test_loss", "better": "elu", "than": "gelu"}],
    }  # fmt: skip
    study["seeds"], study["comparisons"]["a"]["claims"] = 16, [CLAIM]
    lines = check(study)[1].splitlines()
    assert lines[lines.index("2 claims, 2 to test") + 4 :][:2] == [
        "  16 seeds    3.1e-05    6.1e-05    0.00012    0.00024    with 9 tied pairs a claim can still be decided",
        "  6 seeds     (0.031)    (0.062)    (0.12)     (0.25)     a claim can be decided only after others",
    ]


def test_it_is_listed_with_other_mistakes_and_snakemake_refuses_it_too(
    study: dict[str, Any], check: Check, tmp_path: Path
) -> None:
    study["comparisons"]["a"]["claims"] = [CLAIM]
    study["comparisons"]["a"]["vary"]["optimizer"] = ["adam"]
    code, out, lines = check(study)
    assert (code, out, len(lines)) == (2, "", 2)
    assert "'adam' needs 'lr'" in lines[0]
    assert "comparisons.a.claims[0]: no outcome of 3 seeds" in lines[1]
    with pytest.raises(Refused) as refusal:  # as the Snakefile reads it
        prepare(tmp_path / "s.yaml", Store(tmp_path))
    assert len(refusal.value.lines) == 2


@pytest.mark.parametrize("broken", [{"seeds": "many"}, {"looks": 0}, {"claims": [CLAIM, {"metric": "test_loss"}]}])
def test_nothing_is_said_of_chances_that_are_unknown(
    broken: dict[str, Any], study: dict[str, Any], check: Check
) -> None:
    study["comparisons"]["a"]["claims"] = broken.pop("claims", [CLAIM])
    assert not any("no outcome of" in line for line in check(study | broken)[2])


def test_a_study_of_memory_has_nothing_to_test(study: dict[str, Any], check: Check) -> None:
    study["comparisons"]["a"]["claims"] = [CLAIM | {"metric": "memory_mib"}]
    assert check(study)[1].splitlines()[-1] == "1 claim, 0 to test (1 on memory, which is counted)"


@pytest.mark.parametrize(
    ("metric", "derived", "arms", "follows"),
    [
        ("train_seconds", "speedup", "", True),
        ("step_seconds", "speedup", "batch sizes", True),
        ("train_seconds", "speedup", "batch sizes", False),  # which take other numbers of steps
        ("train_seconds", "speedup", "stopping", False),
        ("train_seconds", "speedup", "tuned", False),
        ("steps_to_target", "epochs_to_target", "", True),
        ("steps_to_target", "epochs_to_target", "stopping", True),
        ("steps_to_target", "epochs_to_target", "batch sizes", False),
        ("steps_to_target", "epochs_to_target", "tuned", False),
        ("train_seconds", "epochs_to_target", "", False),
        ("test_accuracy", "test_loss", "", False),
        ("test_accuracy", "speedup", "", False),
    ],
)
def test_a_derived_claim_is_a_function_of_one_that_counts(
    metric: str, derived: str, arms: str, follows: bool, study: dict[str, Any], check: Check
) -> None:
    """Else it would go round Holm's correction."""
    study |= {"seeds": 16, "target": {"metric": "val_accuracy", "value": 0.9}}
    claim = CLAIM
    if arms == "batch sizes":
        study["comparisons"]["a"]["vary"] = {"batch_size": [16, 32]}
        claim = CLAIM | {"better": "batch_size=32", "than": "batch_size=16"}
    elif arms == "stopping":
        study["baseline"]["early_stopping"] = "patience"
    elif arms == "tuned":
        study["tune"] = {"batch_size": {"values": [16, 32, 64]}}
    study["comparisons"]["a"]["claims"] = [claim | {"metric": metric}, claim | {"metric": derived, "derived": True}]
    lines = check(study)[2]
    assert bool(lines) != follows
    assert all("claims[1].derived: " in line for line in lines)


@pytest.mark.parametrize(
    ("other", "holds"),
    [
        ({}, True),
        ({"margin": 0.1}, True),  # which both have anyway
        ({"margin": 0}, False),
        ({"family": "speed"}, False),
        ({"kind": "equal", "margin": 0.1}, False),
        ({"better": "tanh", "than": "relu"}, False),  # by the margin
    ],
)
def test_a_derived_claim_holds_exactly_where_the_other_does(
    other: dict[str, Any], holds: bool, study: dict[str, Any], check: Check
) -> None:
    study["seeds"] = 16
    derived = CLAIM | {"metric": "speedup", "derived": True} | other
    study["comparisons"]["a"]["claims"] = [CLAIM | {"metric": "train_seconds"}, derived]
    lines = check(study)[2]
    assert bool(lines) != holds
    assert all("of these two arms in the same family, with the same kind and margin; take" in line for line in lines)
