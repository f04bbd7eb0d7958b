"""Claims: which runs are paired, what the verdicts come to, how they are printed and counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study.__main__ import main
from study.plan.plan import Plan
from study.show.claims.table import lines, sentence
from study.show.page.report import render
from study.show.results import Results
from study.store.layout import Store
from tests.show.claimed import CLAIMED, outcome
from tests.show.records import records, stored
from tests.stats.sides import inverted


def by_metric(claims: pd.DataFrame) -> dict[str, pd.Series]:
    return {row["metric"]: row for _, row in claims.iterrows()}


def test_an_ordering_that_holds_in_every_seed_is_supported_and_its_opposite_refuted(
    claimed: Callable[..., tuple[Plan, pd.DataFrame]], tmp_path: Path
) -> None:
    plan, claims = claimed(root=tmp_path)
    rows = by_metric(claims)
    ends = records(plan, outcome).runs.pivot_table(index="seed", columns="optimizer", values="test_accuracy")
    assert claims["verdict"].tolist()[:2] == ["supported", "refuted"]
    assert rows["test_accuracy"]["estimate"] == pytest.approx((ends["adam"] - ends["sgd"]).mean())
    assert rows["test_accuracy"]["p"] == pytest.approx(2 / 2**10)  # all signs alike
    counting = claims[claims["counts"]]
    smallest = counting["p"].min()
    assert rows["test_accuracy"]["p_adjusted"] == pytest.approx(smallest * len(counting))  # Holm, by hand
    assert rows["train_loss"]["reason"].startswith("higher by a factor of")
    told = dict(zip(claims["metric"], lines(claims), strict=True))
    assert told["train_loss"].against  # × 0.5 of a claim on a lower loss says that it is higher
    assert not told["test_accuracy"].against


def test_memory_that_never_differs_between_rounds_is_not_tested(
    claimed: Callable[..., tuple[Plan, pd.DataFrame]], tmp_path: Path
) -> None:
    plan, claims = claimed(root=tmp_path)
    row = by_metric(claims)["memory_mib"]
    assert math.isnan(row["p"])
    assert not row["counts"]
    assert "deterministic" in row["reason"]
    sgd = next(arm.arm for arm in plan.comparisons[0].arms if arm.label == "sgd")
    smaller = plan.timing is not None and plan.timing.arms.index(sgd) == 0  # the records give the later arm more
    assert row["verdict"] == ("supported" if smaller else "refuted")


def test_seconds_pair_seed_with_round(claimed: Callable[..., tuple[Plan, pd.DataFrame]], tmp_path: Path) -> None:
    plan, claims = claimed(root=tmp_path)
    found = records(plan, outcome)
    step = found.timing.pivot_table(index="round", columns="arm", values="step_seconds")
    steps = found.runs.pivot_table(index="seed", columns="arm", values="steps_to_target")
    sgd, adam = (arm.arm for arm in plan.comparisons[0].arms)
    d = np.log(steps[sgd] * step[sgd]) - np.log(steps[adam] * step[adam])
    row = by_metric(claims)["seconds_to_target"]
    assert row["estimate"] == pytest.approx(math.exp(d.mean()))
    assert (row["low"], row["high"]) == pytest.approx(tuple(map(math.exp, inverted(d))))
    level = 1 - 0.05 / (claims["p"][claims["counts"]] >= row["p"]).sum()  # it is decided
    assert row["level_adjusted"] == pytest.approx(level)
    assert row["low_adjusted"] == pytest.approx(math.exp(inverted(d, level)[0]))


def test_a_claim_whose_runs_are_missing_waits_for_them(
    claimed: Callable[..., tuple[Plan, pd.DataFrame]], tmp_path: Path
) -> None:
    def some(label: str, seed: int) -> Mapping[str, object]:
        return dict(outcome(label, seed)) | ({"status": "missing"} if label == "adam" and seed == 4 else {})

    _, claims = claimed(change=some, root=tmp_path)
    row = by_metric(claims)["test_accuracy"]
    assert row["verdict"] == "undecided"
    assert row["reason"] == "adam: 1 not run of 10; run it again"
    assert not (tmp_path / "studies").exists() or row["looks"] == 0


@pytest.mark.parametrize("reason", ["OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "KeyError: 'x'"])
def test_an_accident_of_the_machine_is_no_evidence(
    claimed: Callable[..., tuple[Plan, pd.DataFrame]], tmp_path: Path, reason: str
) -> None:
    failed = {"status": "failed", "reason": reason}

    def some(label: str, seed: int) -> Mapping[str, object]:
        return failed if label == "adam" and seed > 2 else outcome(label, seed)

    _, claims = claimed(change=some, root=tmp_path)
    for metric in ("test_accuracy", "seconds_to_target"):
        row = by_metric(claims)[metric]
        assert (row["verdict"], row["reason"], row["p"]) == ("undecided", "adam: 7 failed of 10; run it again", 1.0)
        assert row["looks"] == 0  # is taken when there is something to see


@pytest.fixture
def told(planned: Callable[..., Plan], tmp_path: Path) -> Callable[..., int]:
    """Run ``claims`` on records made by hand."""
    plan = planned(CLAIMED, seeds=10)
    stored(plan, records(plan, outcome), tmp_path / "results")
    file, results = str(tmp_path / "small.yaml"), str(tmp_path / "results")
    return lambda *more: main(["claims", file, "--results", results, *more])


def test_the_verb_prints_every_verdict_and_fails_where_one_is_not_as_required(
    told: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told() == 0
    out = capsys.readouterr().out
    assert "✓ supported  adam: higher test accuracy than sgd, by any amount" in out
    found = pd.read_parquet(tmp_path / "results" / "studies" / "small" / "claims.parquet")
    p, adjusted = by_metric(found)["test_accuracy"][["p", "p_adjusted"]]
    assert f"(p = {adjusted:.3f} adjusted, against 0.05; {p:.2g} unadjusted)" in out
    assert out.splitlines()[-1].startswith("6 claims: ")
    assert told("--require", "supported") == 1


CHANGES = {
    "the other way round": ("better: adam, than: sgd", "better: sgd, than: adam"),
    "a margin": ("better: sgd, than: adam}", "better: sgd, than: adam, margin: 0.5}"),
    "seeds": ("seeds: 10", "seeds: 12"),
    "looks": ("seeds: 10", "seeds: 10\nlooks: 2"),
    "a target": ("value: 0.9", "value: 0.8"),
    "not derived": (", derived: true", ""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_verb_refuses_verdicts_on_other_claims(
    change: str, told: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(*CHANGES[change], 1), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != before
    assert told() == 2
    assert "these verdicts are on other claims" in capsys.readouterr().err


def test_the_verb_asks_for_results_first(planned: Callable[..., Plan], tmp_path: Path) -> None:
    planned(CLAIMED)
    assert main(["claims", str(tmp_path / "small.yaml"), "--results", str(tmp_path / "results")]) == 2


def test_claims_are_told_in_the_words_of_their_metric() -> None:
    wanted = {"small_weights": "more small weights", "steps_to_target": "fewer steps to target",
              "train_seconds": "shorter training time", "test_loss": "lower test loss",
              "memory_mib": "less peak memory", "val_accuracy": "higher validation accuracy"}  # fmt: skip
    for metric, words in wanted.items():
        assert sentence(metric, "a", "b", "better", 0.0) == f"a: {words} than b, by any amount"
    assert sentence("test_accuracy", "a", "b", "better", 0.01).endswith("than b, by more than 1 point")
    assert sentence("train_seconds", "a", "b", "better", 0.1).endswith("than b, by more than a factor of 1.1")


def test_a_p_at_its_very_level_is_printed_as_that(claimed: Callable[..., tuple[Plan, pd.DataFrame]]) -> None:
    _, claims = claimed()
    assert [line.adjusted for line in lines(claims.assign(p_adjusted=0.05, test="sign-flip"))] == ["0.05"] * 6


def test_the_report_begins_with_the_claims(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan = planned(CLAIMED, seeds=10)
    stored(plan, records(plan, outcome), tmp_path)
    page = render(Results(plan, Store(tmp_path)))
    assert page.index('id="the-claims"') < page.index('<section id="optimizer"')
    assert page.count('<td class="verdict') == page.count('<li><span class="verdict') == 6
    assert '<th scope="col">p adjusted <span class="remark">against 0.05</span></th>' in page
    found = by_metric(pd.read_parquet(tmp_path / "studies" / "small" / "claims.parquet"))
    alone, adjusted = found["test_accuracy"][["p", "p_adjusted"]]
    assert f'<td>{adjusted:.3f} <span class="remark">{alone:.2g} unadjusted</span></td>' in page
    supported = sum(row["verdict"] == "supported" for row in found.values())
    assert f"<strong>Of 6 claims {supported} are supported" in page
    first = found["test_accuracy"]  # of the study file
    ends = records(plan, outcome).runs.groupby("optimizer")["test_accuracy"].mean() * 100
    levels = f"({ends['adam']:.2f} against {ends['sgd']:.2f} %)"
    assert f"The first, that adam has higher test accuracy than sgd {levels}, is {first['verdict']}: " in page
    assert f"], p = {adjusted:.3f} after correction for 4 claims.</strong>" in page
