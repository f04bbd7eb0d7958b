"""What is shown of runs that were not trained here: verdicts against scipy, tables, figures, the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.__main__ import main
from study.errors import Refused
from study.plan.file.expand import prepare
from study.plan.plan import open_plan
from study.show.records import gather
from study.store.layout import Store
from tests.plan.conftest import write
from tests.plan.sweeps import csv, rows, study
from tests.stats.sides import inverted

Drawn = Callable[..., Path]
EXACT = stats.PermutationMethod(n_resamples=np.inf)


@pytest.fixture
def drawn(tmp_path: Path) -> Drawn:
    """The folder of results of a study on a sweep, planned, collected and drawn."""

    def run(text: str = csv(), content: dict[str, Any] | None = None, **runs: Any) -> Path:
        (tmp_path / "sweep.csv").write_text(text, encoding="utf-8")
        write(content or study(**runs), tmp_path / "s.yaml")
        store = Store(tmp_path / "results")
        plan = prepare(tmp_path / "s.yaml", store)
        plan.write(store, [])
        folder = store.study(plan.study)
        assert main(["draw", str(folder / "plan.json"), "--processes", "1"]) == 0
        return folder

    return run


def claim_of(folder: Path) -> dict[str, Any]:
    [row] = pd.read_parquet(folder / "claims.parquet").to_dict("records")
    return {str(key): value for key, value in row.items()}


def page_of(folder: Path) -> str:
    """The text of the page."""
    html = (folder / "report.html").read_text(encoding="utf-8")
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<(style|svg).*?</\1>", " ", html, flags=re.S)).split())


def noisy(seeds: int = 10, apart: float = 0.004) -> list[str]:
    rng = np.random.default_rng(0)
    return [
        f"{optimizer},0.1,{seed},{level + rng.normal(0, 0.004):.6f},finished"
        for optimizer, level in (("adam", 0.93 + apart), ("sgd", 0.93))
        for seed in range(seeds)
    ]


def values(lines: list[str], optimizer: str) -> Any:
    return np.array([float(line.split(",")[3]) for line in lines if line.startswith(optimizer)])


def test_runs_that_are_not_paired_are_two_samples(drawn: Drawn) -> None:
    lines = noisy()
    claim = claim_of(drawn(csv(lines)))
    x, y = values(lines, "adam"), values(lines, "sgd")
    oracle = max(float(stats.ttest_ind(x, y, equal_var=False, method=how).pvalue) for how in (EXACT, None))
    interval = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    assert (claim["test"], claim["pairs"]) == ("permutation", 10)
    assert claim["p"] == pytest.approx(oracle)
    assert claim["estimate"] == pytest.approx(x.mean() - y.mean())
    assert (claim["low"], claim["high"]) == pytest.approx((interval.low, interval.high))


def test_paired_runs_are_judged_by_seed_as_ours_are(drawn: Drawn) -> None:
    lines = noisy()
    claim = claim_of(drawn(csv(lines[::-1]), paired=True))  # in whatever order
    d = values(lines, "adam") - values(lines, "sgd")
    oracle = stats.permutation_test(
        (d,), lambda x, axis: np.round(x.sum(axis=axis), 9), permutation_type="samples", n_resamples=np.inf
    )
    assert (claim["test"], claim["p"]) == ("sign-flip", pytest.approx(oracle.pvalue))
    assert (claim["low"], claim["high"]) == pytest.approx(inverted(d))


def test_the_order_of_rows_and_columns_changes_nothing(drawn: Drawn) -> None:
    first = claim_of(drawn(csv(rows())))
    frame = pd.DataFrame([line.split(",") for line in rows()], columns=["optimizer", "lr", "seed", "best_acc", "state"])
    mixed = frame.sample(frac=1, random_state=0)[["state", "best_acc", "seed", "lr", "optimizer"]]
    claim = claim_of(drawn(mixed.to_csv(index=False)))
    assert claim["p"] == first["p"]
    assert claim["looks"] == 1  # the same data


def test_runs_that_diverged_lose_and_runs_that_failed_are_shown(drawn: Drawn) -> None:
    lines = rows()
    lines[11] = lines[11].replace(lines[11].split(",")[3], "nan")  # of sgd
    lines[12] = lines[12].replace(lines[12].split(",")[3], "inf")
    lines[25] = lines[25].replace(lines[25].split(",")[3], "").replace("finished", "crashed")  # of momentum
    folder = drawn(csv(lines), status="state")
    claim = claim_of(folder)
    assert (claim["test"], claim["verdict"], claim["wins"]) == ("rank-sum", "supported", 100)
    assert "2 of sgd diverged" in claim["reason"]
    runs = pd.read_parquet(folder / "runs.parquet")
    assert runs["status"].value_counts().to_dict() == {"finished": 27, "diverged": 2, "failed": 1}
    assert set(runs["reason"].dropna()) == {"best_acc is nan", "best_acc is inf", "crashed"}
    table = pd.read_csv(folder / "tables" / "optimizers.csv").set_index("label")
    assert table.loc["sgd", ["n", "n_finished", "n_diverged"]].tolist() == [10, 8, 2]
    known = sorted(float(line.split(",")[3]) for i, line in enumerate(lines) if 10 <= i < 20 and i not in (11, 12))
    assert table.loc["sgd", "test_accuracy"] == known[-5]  # of ten, two of them worse than all
    assert table.loc["sgd", "test_accuracy_estimator"] == "median"
    assert "Of 30 runs 27 finished, 2 diverged, 1 failed" in page_of(folder)


def test_a_claim_on_an_arm_with_a_failed_run_waits_for_it(drawn: Drawn) -> None:
    lines = rows()
    lines[0] = lines[0].replace("finished", "crashed")
    claim = claim_of(drawn(csv(lines), status="state"))
    assert (claim["verdict"], claim["reason"]) == ("undecided", "adam: 1 failed of 10; run it again")


def test_what_a_value_that_is_not_there_means_is_said_by_the_study_file(drawn: Drawn) -> None:
    lines = rows()
    lines[3] = lines[3].replace(lines[3].split(",")[3], "")
    folder = drawn(csv(lines), empty="diverged")
    assert pd.read_parquet(folder / "runs.parquet")["status"].value_counts()["diverged"] == 1


def test_percent_is_scaled_and_a_declared_metric_is_shown_in_its_unit(drawn: Drawn) -> None:
    lines = [re.sub(r"0\.(\d\d)(\d+)", r"\1.\2", line) for line in noisy()]
    content = study(
        metrics={
            "test_accuracy": {"column": "best_acc", "scale": 0.01},
            "bleu": {"column": "best_acc", "better": "lower", "unit": "points", "title": "BLEU"},
        },
        label="optimizer",
    )
    content["comparisons"]["optimizers"]["metrics"] = ["test_accuracy", "bleu"]
    content["comparisons"]["optimizers"]["claims"].append(
        {"metric": "bleu", "better": "sgd", "than": "adam", "margin": 0.1}
    )
    folder = drawn(csv(lines), content)
    ours, bleu = pd.read_parquet(folder / "claims.parquet").to_dict("records")
    assert ours["estimate"] == pytest.approx(bleu["estimate"] / 100)
    assert "by more than 0.1 points" in page_of(folder)
    assert "BLEU (points)" in (folder / "tables" / "optimizers.md").read_text(encoding="utf-8")


def test_curves_are_drawn_where_there_are_any(drawn: Drawn, tmp_path: Path) -> None:
    plain = (drawn() / "figures" / "results" / "optimizers.svg").read_text(encoding="utf-8")
    cells = [line.split(",") for line in rows()]
    evaluations = [f"{o},{lr},{seed},{step},{2 / (1 + step)}" for o, lr, seed, *_ in cells for step in (0, 100, 200)]
    (tmp_path / "curves.csv").write_text(csv(evaluations[:-1], "optimizer,lr,seed,step,loss"))  # one ends early
    folder = drawn(curves={"path": "curves.csv", "step": "step", "metrics": {"val_loss": "loss"}})
    figure = (folder / "figures" / "results" / "optimizers.svg").read_text(encoding="utf-8")
    assert "validation loss" in figure
    assert ">steps<" in figure
    assert "validation loss" not in plain
    curves = pd.read_parquet(folder / "curves.parquet")
    assert len(curves) == 89
    assert curves["epoch"].isna().all()


def test_the_page_names_the_file_and_what_nobody_knows(drawn: Drawn) -> None:
    folder = drawn()
    page, plan = page_of(folder), open_plan(folder / "plan.json")[0]
    [runs] = {id(runs): runs for runs in plan.given.values()}.values()
    assert f"sweep.csv, SHA-256 {runs.sha256}" in page
    assert "3 arms that were not trained here" in page
    assert "Not trained here: on what they were trained and tuned, and whether all arms alike, is not known." in page
    assert "Tuning Not known, of runs that were not trained here." in page
    assert "Welch" in page
    for nothing in ("sign-flip", "PyTorch", "timing", "batch order", "planned runs", "Full recipes"):
        assert nothing not in page, nothing
    assert "lr: 0.001, 0.1 and 0.05" in page  # which their labels leave out


def test_a_file_that_changed_since_it_was_planned_is_not_read(drawn: Drawn, tmp_path: Path) -> None:
    plan, store = open_plan(drawn() / "plan.json")
    (tmp_path / "sweep.csv").write_text(csv(rows(9)))
    with pytest.raises(Refused, match="is not what it was when the study was planned; run the study again"):
        gather(plan, store)


def test_runs_that_are_all_the_same_tell_nothing(drawn: Drawn) -> None:
    lines = [re.sub(r"0\.9\d+", "0.9", line) for line in rows()]
    claim = claim_of(drawn(csv(lines)))
    assert claim["verdict"] == "undecided"
    assert claim["reason"].startswith("all runs have the same test accuracy")


def test_too_few_runs_say_so(drawn: Drawn) -> None:
    content = study()
    content["comparisons"]["optimizers"]["claims"][0]["exploratory"] = True
    claim = claim_of(drawn(csv(rows(3)), content))
    assert claim["verdict"] == "undecided"
    assert "3 against 3 runs cannot decide it; a chance of 50 % that 4 runs of each arm decide it" in claim["reason"]


def test_what_would_decide_is_more_runs_in_the_file(
    drawn: Drawn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn(csv(noisy(apart=0.001)))
    assert main(["suggest", str(tmp_path / "s.yaml"), "--results", str(tmp_path / "results")]) == 0
    out = capsys.readouterr().out
    assert re.search(r"that (\d+) runs of each arm in all decide it, of 80 % with .* \(10 now\)", out)
    assert re.search(r"add runs to sweep.csv: (\d+) in all of each of the 2 arms", out)
