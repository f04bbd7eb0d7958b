"""Looks: what is another one, which were declared, and which claims were stated after the fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from study.__main__ import main
from study.plan.history import state
from study.plan.plan import Plan
from study.show.claims.table import note_on_looks, stated_rows
from study.show.page.report import render
from study.show.results import Results
from study.store.layout import Block, Store
from tests.blocks import leave
from tests.show.claimed import CLAIMED, outcome
from tests.show.records import judged, records, stored

SURE = """
optimizer:
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}
  metrics: [test_accuracy]
  claims: [{metric: test_accuracy, better: adam, than: sgd}]
"""


def test_each_number_of_seeds_that_was_looked_at_is_a_look(
    claimed: Callable[..., tuple[Plan, pd.DataFrame]], tmp_path: Path
) -> None:
    found = [claimed(seeds=n, root=tmp_path)[1].query("counts") for n in (8, 8, 10, 12, 8)]
    assert [set(claims["looks"]) for claims in found] == [{1}, {1}, {2}, {3}, {3}]  # a look stays taken
    assert [set(claims["reason"].str.contains("; look ., 1 declared")) for claims in found] == [
        {False}, {False}, {True}, {True}, {True}
    ]  # fmt: skip


def test_other_data_are_another_look_and_the_same_are_none(
    claimed: Callable[..., tuple[Plan, pd.DataFrame]], tmp_path: Path
) -> None:
    def looks(text: str = CLAIMED, change: Callable[[str, int], Mapping[str, object]] = outcome) -> dict[str, int]:
        found = stated_rows(claimed(text, change=change, root=tmp_path)[1])
        return dict(zip(found["metric"], found["looks"], strict=True))

    first = {
        "test_accuracy": 1,
        "train_loss": 1,
        "seconds_to_target": 1,
        "memory_mib": 0,
        "train_seconds": 1,
        "speedup": 0,
    }
    assert looks() == looks() == first

    def replaced(label: str, seed: int) -> Mapping[str, object]:
        return {**outcome(label, seed), "pace": 0.9 + seed / 20}  # the curves, not where they end

    again = looks(change=replaced)
    assert again["seconds_to_target"] == 2
    harder = CLAIMED.replace("optimizer:", "optimizer:\n  target: {metric: val_accuracy, value: 0.7}", 1)
    assert looks(harder) == again | {"seconds_to_target": 3}
    lines = CLAIMED.rstrip().splitlines()
    assert looks("\n".join([*lines[:5], *reversed(lines[5:])])) == again | {"seconds_to_target": 3}


def test_a_claim_of_two_comparisons_is_looked_at_once(
    claimed: Callable[..., tuple[Plan, pd.DataFrame]], tmp_path: Path
) -> None:
    fewer = CLAIMED.strip().replace("optimizer:", "fewer:\n  seeds: 8\n  target: {metric: val_accuracy, value: 0.7}", 1)
    for _ in range(2):
        claims = claimed(f"{CLAIMED.strip()}\n{fewer}", root=tmp_path)[1]
        assert set(claims.query("counts")["pairs"]) == {8, 10}
        assert set(claims.query("counts")["looks"]) == {1}


def test_a_claim_stated_with_its_runs_at_hand_says_so(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan, store = planned(CLAIMED, seeds=10), Store(tmp_path / "results")
    [comparison] = plan.comparisons
    for arm in comparison.trained:
        leave(store, arm, Block(0, 7))
    state(plan, store)
    claims = judged(plan, store, records(plan, outcome))
    assert claims["runs_before"].tolist() == [16] * 6
    assert claims["reason"].str.endswith("; stated after 16 runs of its arms were there").all()


def test_a_verdict_at_a_look_that_nobody_declared_is_not_as_required(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def required(verdict: str, seeds: int, looks: int = 1) -> int:
        plan = planned(SURE, seeds=seeds).model_copy(update={"looks": looks})
        file = tmp_path / "small.yaml"
        file.write_text(file.read_text().replace("seeds:", f"looks: {looks}\nseeds:"))
        stored(plan, records(plan, outcome), tmp_path / "results")
        return main(["claims", str(file), "--results", str(tmp_path / "results"), "--require", verdict])

    assert required("supported", 8) == 0
    assert "look" not in capsys.readouterr().out
    assert required("supported", 10) == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if "; look 2, 1 declared" in line]
    assert "; does not count as supported: that look was not declared" in line
    assert required("supported", 10, looks=2) == 1  # declared after a verdict was seen
    assert "; look 2, 1 declared" in capsys.readouterr().out


def test_looks_that_are_declared_first_count(planned: Callable[..., Plan], tmp_path: Path) -> None:
    for seeds, looks in ((8, 2), (10, 1)):
        plan = planned(SURE, seeds=seeds).model_copy(update={"looks": looks})
        claims = judged(plan, Store(tmp_path / "results"), records(plan, outcome))
        assert set(claims["looks_declared"]) == {2}
        assert set(claims["level_adjusted"]) == {1 - 0.05 / 2}
    assert claims["looks"].tolist() == [2]
    assert "declared" not in claims["reason"][0]


def test_a_look_too_many_is_told() -> None:
    assert note_on_looks(1, 1) == note_on_looks(2, 3) == ""
    assert "look 2 " in note_on_looks(2, 1)
    assert "8.6 % with 2, 14.6 % with 5" in note_on_looks(2, 1)
    assert "2.5 %" in note_on_looks(2, 1)


def checked(file: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert main(["check", str(file), "--results", str(file.parent / "results"), "--no-time"]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("family", ["", ", family: speed"])
def test_check_tells_of_a_look_that_nobody_declared_before_anything_is_trained(
    family: str, planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "small.yaml"
    claim = f"{{metric: epochs_to_target, better: adam, than: sgd{family}}}"
    text = SURE.replace("claims: [", f"claims: [{claim}, ")
    plan = planned(text, seeds=10)
    stored(plan, records(plan, outcome), tmp_path / "results")

    def looks() -> list[str]:
        return [line for line in checked(file, capsys) if "would be look" in line]

    assert looks() == []
    planned(text.replace("metrics:", "target: {metric: val_accuracy, value: 0.7}\n  metrics:"), seeds=10)
    [line] = looks()
    assert line.startswith("warning: comparisons.optimizer.claims[0]: to judge again would be look 2, at other data")
    planned(text, seeds=12)
    [line] = looks()
    assert line.startswith("warning: comparisons.optimizer.claims[0], [1]: to judge again would be look 2")
    assert "1 was declared before the first verdict" in line
    file.write_text(file.read_text().replace("seeds:", "looks: 2\nseeds:"))
    assert looks() == [line]  # too late


def test_check_counts_withdrawn_claims_as_verdicts_do(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six seeds can decide one claim, and no second one."""
    for metric in ("test_accuracy", "train_loss"):
        plan = planned(SURE.replace("metric: test_accuracy", f"metric: {metric}"), seeds=6)
        claims = judged(plan, Store(tmp_path / "results"), records(plan, outcome))
    assert "6 seeds cannot decide it among 2 claims" in claims["reason"][0]
    found = checked(tmp_path / "small.yaml", capsys)
    at = found.index("1 claim, 1 to test beside 1 withdrawn")
    assert found[at + 2].startswith("  the smallest p must be at most 0.05/2 claims")
    assert found[at + 4].endswith("no claim can be decided")


def test_a_comparison_that_is_renamed_leaves_its_verdicts(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it does for ``suggest``."""
    plan = planned(SURE, seeds=10)
    stored(plan, records(plan, outcome), tmp_path / "results")
    file, results = tmp_path / "small.yaml", str(tmp_path / "results")
    planned(SURE.replace("optimizer:", "renamed:", 1), seeds=10)
    assert main(["claims", str(file), "--results", results]) == 0
    assert main(["suggest", str(file), "--results", results]) == 0
    planned(SURE.replace("optimizer:", "renamed:", 1), seeds=11)
    assert main(["claims", str(file), "--results", results]) == 2
    assert "these verdicts are on other claims" in capsys.readouterr().err


def test_of_a_study_without_claims_nothing_can_be_required(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = planned(SURE[: SURE.index("  claims")], seeds=6)
    stored(plan, records(plan, outcome), tmp_path / "results")
    file, results = str(tmp_path / "small.yaml"), str(tmp_path / "results")
    assert main(["claims", file, "--results", results]) == 0
    assert main(["claims", file, "--results", results, "--require", "supported"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"{file}: states no claims, so that none can be supported; add 'claims:'"


FEWER = CLAIMED.replace("    - {metric: train_loss, better: sgd, than: adam}\n", "")


def test_a_claim_that_was_judged_and_is_withdrawn_stays_and_counts(
    claimed: Callable[..., tuple[Plan, pd.DataFrame]], tmp_path: Path
) -> None:
    first = claimed(root=tmp_path)[1]
    later = claimed(FEWER, root=tmp_path)[1]
    assert [*later["metric"]] == [*first["metric"].drop(1), "train_loss"]
    gone, was = later.iloc[-1], first.iloc[1]
    assert gone["verdict"] == "withdrawn"
    assert gone["reason"] == f"{was['verdict']} when last judged: {was['reason']}"
    same = ["p", "p_adjusted", "estimate", "low", "high", "counts", "looks"]
    assert gone[same].tolist() == was[same].tolist()
    assert later["p_adjusted"].tolist()[:2] == first["p_adjusted"].drop(1).tolist()[:2]  # Holm is over as many
    alone = claimed(FEWER, root=tmp_path / "elsewhere")[1]
    assert (alone["verdict"] != "withdrawn").all()
    assert alone["p_adjusted"].iloc[0] < later["p_adjusted"].iloc[0]
    back = claimed(root=tmp_path)[1]
    assert back.drop(columns="stated").equals(first.drop(columns="stated"))


def test_a_claim_that_was_never_judged_goes_without_a_trace(
    claimed: Callable[..., tuple[Plan, pd.DataFrame]], tmp_path: Path
) -> None:
    def lacking(label: str, seed: int) -> Mapping[str, object]:
        return {**outcome(label, seed), **({"status": "missing"} if seed == 3 else {})}

    claimed(change=lacking, root=tmp_path)
    assert "train_loss" not in claimed(FEWER, root=tmp_path)[1]["metric"].tolist()


def test_withdrawn_claims_are_on_the_page_and_required_of_nobody(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = SURE.replace("than: sgd}", "than: sgd}, {metric: train_loss, better: sgd, than: adam}")
    for claims in (text, SURE.replace("optimizer:", "other:", 1)):  # its comparison is gone, too
        plan = planned(claims, seeds=10)
        stored(plan, records(plan, outcome), tmp_path / "results")
    page = render(Results(plan, Store(tmp_path / "results")))
    assert page.count('class="verdict withdrawn"') == 1
    assert "Withdrawn claims were judged once" in page
    file, results = str(tmp_path / "small.yaml"), str(tmp_path / "results")
    assert main(["claims", file, "--results", results, "--require", "supported"]) == 0
    assert "2 claims: 1 supported, 0 refuted, 0 undecided and 1 withdrawn" in capsys.readouterr().out
    assert main(["suggest", file, "--results", results]) == 0
    assert "None of 1 claim is undecided" in capsys.readouterr().out
