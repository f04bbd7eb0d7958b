"""The forest plot of all claims: what it draws is what claims.parquet holds, and a page has all of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from study.__main__ import main
from study.plan.plan import Plan
from study.show.figures import SHEET, claims_figure, sheets
from study.show.figures.claims_figure import FORMS, MARKS
from tests.show.claimed import CLAIMED, outcome
from tests.show.records import records, stored


def bars(figure: Figure) -> list[tuple[float, ...]]:
    """The ends of all intervals; what stands behind them is thinner."""
    mine = [line for ax in figure.axes for line in ax.get_lines() if line.get_marker() == "None"]
    return [tuple(map(float, line.get_xdata())) for line in mine if line.get_linewidth() > 1]


@pytest.mark.parametrize("form", FORMS)
def test_each_claim_is_a_line_with_the_interval_that_decided_it(
    claimed: Callable[..., tuple[Plan, pd.DataFrame]], form: str
) -> None:
    _, claims = claimed()
    rows = claims_figure.rows(claims)
    figure = claims_figure.draw(rows, {"optimizer": "All of $them"}, FORMS[form])
    written = [text.get_text() for text in figure.texts]
    assert [text for text in written if text in MARKS] == claims["verdict"].tolist()
    assert r"All of \$them" in written
    times = np.where(claims["metric"] == "test_accuracy", 100, 1)
    known = claims["low_adjusted"].notna()
    scales = {ax.get_xlabel().split("\n")[0]: ax.get_xlim() for ax in figure.axes if ax.get_xlabel()}
    assert set(scales) == {"points", "factor, log scale"}
    axis = np.where(times == 100, "points", "factor, log scale")
    shown = [
        tuple(np.clip((low * by, high * by), *scales[name]))
        for low, high, by, name in zip(claims["low_adjusted"], claims["high_adjusted"], times, axis, strict=True)
    ]
    wanted = [interval for interval, is_known in zip(shown, known, strict=True) if is_known]
    assert np.array(sorted(bars(figure))) == pytest.approx(np.array(sorted(wanted)))
    assert not bool(known.all())  # of a deterministic metric there is a mark alone


def test_one_far_effect_does_not_squeeze_the_others() -> None:
    near = claims_figure.Row("o", "a: lower loss than b", "factor", 1.1, 0.9, 1.3, 1.0, "undecided", "")
    far = near._replace(value=500.0, low=400.0, high=700.0, verdict="supported")
    low, high = claims_figure.limits([near] * 4 + [far], ratio=True)
    assert 0.5 < low < 0.9
    assert 1.3 < high < 2
    figure = claims_figure.draw([near] * 4 + [far], {})
    arrows = [line for ax in figure.axes for line in ax.get_lines() if line.get_marker() == ">"]
    assert [list(line.get_xdata()) for line in arrows] == [[high]]


def test_many_claims_are_cut_into_sheets_between_comparisons(planned: Callable[..., Plan]) -> None:
    pairs = [(i, j) for i in range(8) for j in range(8) if i < j]  # 28
    claims = [f"{{metric: test_accuracy, better: lr={i + 1}, than: lr={j + 1}, exploratory: true}}" for i, j in pairs]
    one = f"{{vary: {{optimizer.lr: {[*range(1, 9)]}}}, metrics: [test_accuracy], claims: [{', '.join(claims)}]}}"
    plan = planned(f"a: {one}\nb: {one}\nc: {{vary: {{batch_size: [8, 16]}}, metrics: [test_accuracy]}}", seeds=12)
    assert [each.claims for each in sheets(plan)] == [slice(0, 28), slice(28, None)]
    assert SHEET < 2 * 29
    assert sheets(planned("c: {vary: {batch_size: [8, 16]}, metrics: [test_accuracy]}")) == []


def test_the_page_shows_it_for_wide_and_narrow_windows(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan = planned(CLAIMED)
    path, _ = stored(plan, records(plan, outcome), tmp_path / "results")
    assert main(["report", str(path)]) == 0
    text = path.with_name("report.html").read_text()
    drawn = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, re.S)]
    assert len(drawn) == 3  # two of the claims, one of the comparison
    for svg in drawn:
        kinds = [child.tag.rpartition("}")[2] for child in svg][:2]
        assert kinds == ["title", "desc"]
        assert [svg.get("aria-labelledby"), svg.get("aria-describedby")] == [child.get("id") for child in svg][:2]
    (path.parent / "figures/claims/1.svg").unlink()
    assert main(["report", str(path)]) == 0
    assert path.with_name("report.html").read_text() == text
