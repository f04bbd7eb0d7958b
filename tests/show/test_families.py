"""Families of claims: Holm within each, from the study file to the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from study.__main__ import main
from study.plan.history import History
from study.plan.plan import Plan
from study.show.claims.advice import suggest
from study.show.claims.table import families, notes, tally
from study.show.figures import claims_figure, sheets
from study.show.page.report import render
from study.show.results import Results
from study.store.layout import Store
from tests.show.claimed import outcome
from tests.show.records import records, stored

ONE = """
optimizer:
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}
  metrics: [test_accuracy]
  claims:
    - {metric: train_seconds, better: adam, than: sgd}
    - {metric: speedup, better: adam, than: sgd, derived: true}
    - {metric: test_accuracy, better: adam, than: sgd}
    - {metric: train_loss, better: adam, than: sgd}
    - {metric: epochs_to_target, better: adam, than: sgd}
"""
TWO = "\n".join(
    line.replace("}", ", family: speed}") if "seconds" in line or "speedup" in line else line
    for line in ONE.split("\n")
)
Claimed = Callable[..., tuple[Plan, pd.DataFrame]]


def test_holm_corrects_within_each(claimed: Claimed, tmp_path: Path) -> None:
    assert "family" in TWO
    plan, claims = claimed(TWO)
    for name in ("primary", "speed"):
        own = claims[(claims["family"] == name) & claims["counts"]]
        assert own["p_adjusted"].tolist() == pytest.approx(multipletests(own["p"], method="holm")[1])
    assert claims["p_adjusted"][1] == claims["p_adjusted"][0] == claims["p"][0]  # derived, and alone in its family
    as_one = claimed(ONE, root=tmp_path / "one")[1]
    assert as_one["p"].tolist() == claims["p"].tolist()
    assert as_one["level_adjusted"][0] == pytest.approx(1 - 0.05 / 4)
    assert claims["level_adjusted"][0] == 0.95
    assert families(claims) == ["primary", "speed"]
    assert tally(claims) == "primary: 3 supported; speed: 2 refuted"
    words = " ".join(notes(plan, claims))
    assert "of each family that count (primary: 3, speed: 1)" in words
    assert "Of 2 families each holds 5 % of its own, so some verdict may be false in up to 10 % of studies." in words


def test_the_forest_plot_is_drawn_family_by_family(claimed: Claimed, tmp_path: Path) -> None:
    """A withdrawn claim is where it counts, and sheets have each claim once."""
    claimed(ONE, root=tmp_path)
    plan, claims = claimed(TWO, root=tmp_path)
    rows = claims_figure.rows(claims)
    assert [(row.family, row.verdict == "withdrawn") for row in rows] == [
        *[("primary", False)] * 3, *[("primary", True)] * 2, *[("speed", False)] * 2
    ]  # fmt: skip
    parts = [claims_figure.rows(claims, stated) for stated in (slice(0, 2), slice(2, 4), slice(4, None))]
    assert [repr(row) for part in parts for row in part] == [repr(row) for row in rows]
    figure = claims_figure.draw(rows, {"optimizer": "Optimizers"}, claims_figure.NARROW)
    written = [text.get_text() for text in figure.texts if text.get_text().startswith(("Family", "Opt"))]
    assert written == ["Family: primary", "Optimizers", "Family: speed", "Optimizers"]
    assert "Claims of one family are corrected together" in claims_figure.caption(rows)
    one = claims_figure.rows(claims.assign(family="primary"))
    assert not any(row.family for row in one)
    assert "family" not in claims_figure.caption(one)
    assert [sheet.claims for sheet in sheets(plan)] == [slice(0, None)]


def test_a_claim_that_changes_its_family_is_another_one_and_counts_on(claimed: Claimed, tmp_path: Path) -> None:
    before = claimed(ONE, root=tmp_path)[1]
    plan, after = claimed(TWO, root=tmp_path)
    gone = after[after["verdict"] == "withdrawn"]
    assert dict(zip(gone["metric"], gone["family"], strict=True)) == {"train_seconds": "primary", "speedup": "primary"}
    assert after["p_adjusted"][2:5].tolist() == before["p_adjusted"][2:].tolist()
    assert [*History.read(plan, Store(tmp_path)).counting_on(plan)] == ["primary"]


def test_what_would_decide_a_claim_counts_its_family(claimed: Claimed, tmp_path: Path) -> None:
    """Of four claims that all runs but for noise leave open, each alone in its family needs fewest seeds."""

    def noisy(label: str, seed: int) -> dict[str, object]:
        return {"level": 0.9 + seed % 4 / 100 + (label == "adam") * (seed % 5 - 1) / 200, "pace": 0.8 + seed / 20}

    def told(text: str) -> list[str]:
        plan, claims = claimed(text, change=noisy, root=tmp_path / str(len(text)))
        return list(suggest(plan, Store(tmp_path), claims))

    alone = ONE.replace("metric: test_accuracy,", "metric: test_accuracy, family: accuracy,")
    first, second = ([line for line in told(text) if "seeds" in line] for text in (ONE, alone))
    assert first != second


def test_primary_comes_first_and_required_is_all(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = planned(TWO, seeds=10)
    stored(plan, records(plan, outcome), tmp_path / "results")
    page = render(Results(plan, Store(tmp_path / "results")))
    assert "5 claims in 2 families (primary: " in page
    assert "at most 5 % in each, and up to 10 % in all" in page
    start = page.index("Table: claims")
    places = [page.index(words, start) for words in ("Family: primary", "test accuracy", "Family: speed", "speedup")]
    assert places == sorted(places)
    verdicts = page[page.index('<ul class="verdicts">') :]
    assert verdicts[: verdicts.index("</ul>")].count("family: speed") == 2
    assert "family: primary" not in page
    file, results = str(tmp_path / "small.yaml"), str(tmp_path / "results")
    assert main(["claims", file, "--results", results, "--require", "supported"]) == 1
    out = capsys.readouterr().out
    assert out.index("Family: primary") < out.index("higher test accuracy") < out.index("Family: speed")
    assert out.splitlines()[-1] == "Required: supported, of all 5 claims of the families primary and speed: 3 are."
    assert main(["check", file, "--results", results, "--no-time"]) == 0
    told = capsys.readouterr().out
    assert "5 claims, 4 to test (1 derived)" in told
    assert (
        "  in 2 families (primary, speed): each holds 5 % of its own, so some verdict may be false in up to 10 %"
        in told
    )
    assert "  primary: the smallest p must be at most 0.05/3 claims = 0.017" in told
    assert "  speed: the smallest p must be at most 0.05" in told
