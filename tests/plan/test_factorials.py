"""Claims about a factorial: which arms they are about, however their levels are written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.plan.file.claim import PlannedClaim
from study.plan.plan import Plan
from tests.plan.conftest import schema_errors
from tests.plan.sweeps import csv
from tests.plan.sweeps import study as sweep
from tests.plan.tuned import Planned

VARY = {"optimizer": ["sgd", {"name": "adam", "lr": 0.01}], "dropout": [0, 0.1, 0.3], "batch_size": [16, 32]}


@pytest.fixture
def claim(study: dict[str, Any], plan: Planned) -> Callable[..., PlannedClaim]:
    def planned(**stated: Any) -> PlannedClaim:
        content = {"metric": "test_accuracy"} | {key: value for key, value in stated.items() if key != "vary"}
        study["seeds"] = 8
        study["comparisons"]["a"] = {"vary": stated.get("vary", VARY), "metrics": ["test_loss"], "claims": [content]}
        assert not schema_errors(study)
        [comparison] = plan(study).comparisons
        assert set(comparison.claims[0].arms) <= {arm.label for arm in comparison.arms}
        return comparison.claims[0]

    return planned


def test_arms_of_levels_are_paired_with_those_alike_in_all_else(claim: Callable[..., PlannedClaim]) -> None:
    found = claim(better={"optimizer": "adam"}, than={"optimizer": "sgd"})
    rest = [f"dropout={rate}, batch_size={size}" for rate in (0, 0.1, 0.3) for size in (16, 32)]
    assert set(found.pairs) == {(f"adam, {words}", f"sgd, {words}") for words in rest}
    both = claim(better={"optimizer": "adam", "dropout": 0.1}, than={"optimizer": "sgd", "dropout": 0})
    assert set(both.pairs) == {
        (f"adam, dropout=0.1, batch_size={size}", f"sgd, dropout=0, batch_size={size}") for size in (16, 32)
    }
    assert (both.better, both.than) == ("optimizer=adam, dropout=0.1", "optimizer=sgd, dropout=0")


@pytest.mark.parametrize("level", [0.1, "0.1", "dropout=0.1", "Dropout=0.1"])
def test_a_level_is_written_as_in_the_file_or_on_the_page(level: object, claim: Callable[..., PlannedClaim]) -> None:
    assert claim(better={"dropout": level}, than={"dropout": 0}).better == "dropout=0.1"


def test_an_effect_is_of_all_arms(claim: Callable[..., PlannedClaim]) -> None:
    found = claim(effect="optimizer", exceeds="dropout")
    assert (found.form, len(found.arms), found.better, found.than) == ("effect", 12, "optimizer", "dropout")


def test_a_claim_is_the_same_in_whatever_order_its_levels_stand(claim: Callable[..., PlannedClaim]) -> None:
    turned = {key: values[::-1] for key, values in reversed(VARY.items())}
    for stated in (
        {"better": {"optimizer": "adam"}, "than": {"optimizer": "sgd"}},
        {"effect": "optimizer", "exceeds": "dropout"},
    ):
        assert claim(**stated).about == claim(**stated, vary=turned).about
        other = claim(**dict(zip(stated, reversed(stated.values()), strict=True)))
        assert other.about != claim(**stated).about


def test_claims_on_arms_are_stated_as_they_were(study: dict[str, Any], plan: Planned) -> None:
    study["seeds"] = 8
    study["comparisons"]["a"]["claims"] = [{"metric": "test_accuracy", "better": "relu", "than": "tanh"}]
    planned = plan(study)
    older = json.loads(planned.model_dump_json())
    for claim in older["comparisons"][0]["claims"]:
        for new in ("better_arms", "than_arms", "effects"):
            del claim[new]
    assert Plan.model_validate_json(json.dumps(older)).stated == planned.stated


def test_runs_from_elsewhere_have_levels_where_they_are_paired(
    plan: Planned, check: Callable[[Any], tuple[int, str, list[str]]], tmp_path: Path
) -> None:
    lines = [f"{optimizer},{lr},{seed},0.9,finished" for optimizer in ("adam", "sgd") for lr in (0.1, 1.0)
             for seed in range(8)]  # fmt: skip
    (tmp_path / "sweep.csv").write_text(csv(lines), encoding="utf-8")
    levels = {"metric": "test_accuracy", "better": {"optimizer": "adam"}, "than": {"optimizer": "sgd"}}
    content = sweep(paired=True)
    content["comparisons"]["optimizers"]["claims"] = [levels]
    [found] = plan(content).comparisons[0].claims
    assert len(found.pairs) == 2
    content = sweep()
    content["comparisons"]["optimizers"]["claims"] = [levels]
    Path("sweep.csv").write_text(csv(lines))
    assert check(content)[2] == [
        "s.yaml: comparisons.optimizers.claims[0]: is within each seed, and these runs are not paired; say "
        "paired: true if a seed gave all arms the same"
    ]
