"""Tables: what a reader and what a machine gets from them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from shutil import which
from subprocess import run

import numpy as np
import pandas as pd
import pytest

from study.plan.plan import Plan, PlannedComparison
from study.plan.style import TableStyle
from study.show.claims.table import best_of
from study.show.formats import latex
from study.show.formatting import Cell, aligned, column, heading, show
from study.show.tables.results_files import FORMATS
from study.show.tables.results_table import table
from study.stats.estimates import Estimate
from study.wording import leading
from tests.show.records import records, summary_table

REPORTED = """
o:
  title: Two & more_of 100 %
  vary: {optimizer: [sgd, {name: adam, lr: 0.01}]}
  metrics: [test_accuracy, epochs_to_target, seconds_to_target, memory_mib]
  reference: adam
  reported:
    source: "A paper, table 1"
    sgd: {test_accuracy: 92.3 %, memory_mib: 20 MB}
"""


def outcome(label: str, seed: int) -> dict[str, object]:
    return {"status": "diverged"} if label == "adam" and seed < 2 else {"level": 0.96, "pace": 2}


@pytest.fixture
def small(planned: Callable[..., Plan]) -> tuple[Plan, pd.DataFrame]:
    plan = planned(REPORTED)
    return plan, summary_table(plan, records(plan, outcome)).to_pandas()


def test_csv_gives_back_the_numbers_of_the_summary(small: tuple[Plan, pd.DataFrame]) -> None:
    plan, summary = small
    frame = pd.read_csv(io.StringIO(FORMATS["csv"](plan.comparisons[0], summary, "CPU", {}))).set_index("label")
    for row in summary.to_dict("records"):
        for name, of in (("", "estimate"), ("_low", "low"), ("_high", "high")):
            ours = frame.loc[row["label"], f"{row['metric']}{name}"]
            assert ours == pytest.approx(row[of], rel=1e-15, nan_ok=True)
    texts = ("_reported", "_estimator")
    numbers = frame.drop(columns=[name for name in frame if name == "arm" or name.endswith(texts)])
    assert set(frame["test_accuracy_estimator"]) == {"mean", "median"}
    assert all(pd.api.types.is_numeric_dtype(kind) for kind in numbers.dtypes)
    assert frame.loc["sgd", "test_accuracy_reported"] == "92.3 %"
    assert frame.loc["adam", ["n", "n_finished", "n_diverged"]].tolist() == [8, 6, 2]


def test_the_reference_comes_first_in_every_format(small: tuple[Plan, pd.DataFrame]) -> None:
    plan, summary = small
    for text in (FORMATS[ending](plan.comparisons[0], summary, "CPU", {}) for ending in FORMATS):
        assert text.index("\nadam" if "\nadam" in text else "| adam") < text.index("sgd")


def test_cells_say_what_stands_behind_them(small: tuple[Plan, pd.DataFrame]) -> None:
    plan, summary = small
    ours = table(plan.comparisons[0], summary, "CPU")
    assert ours.arms == ["adam", "sgd"]
    assert ours.headings == [
        "arm", "test accuracy (%)", "test accuracy, reported", "epochs to target", "time to target (s, CPU)",
        "peak memory (MiB)", "peak memory, reported", "runs",
    ]  # fmt: skip
    columns = {column.name: column.cells for column in ours.columns}
    assert [str(cell) for cell in columns["runs"]] == ["6/8 finished, 2 diverged", "8"]
    assert columns["epochs_to_target"][0].remark == "median, 6/8 reached"
    assert [str(cell) for cell in columns["test_accuracy_reported"]] == ["–", "92.3 %"]
    assert any("diverged" in note.lower() for note in ours.notes)


@pytest.mark.parametrize(("seeds", "remark"), [(1, "too few seeds for an interval"), (3, "")])
def test_a_missing_interval_is_explained(planned: Callable[..., Plan], seeds: int, remark: str) -> None:
    plan = planned("o: {vary: {dropout: [0, 0.3]}, metrics: [test_accuracy]}", seeds=seeds)
    [accuracy, _] = table(plan.comparisons[0], summary_table(plan, records(plan)).to_pandas()).columns
    assert {cell.remark for cell in accuracy.cells} == {remark}


def test_a_mean_over_runs_of_both_kinds_is_marked(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {dropout: [0, 0.3]}, metrics: [test_accuracy]}")
    found = records(plan, lambda label, seed: {"level": 0.9 if seed < 5 else 0.1, "learned": seed < 5})
    _, accuracy, runs = table(plan.comparisons[0], summary_table(plan, found).to_pandas()).rows[0]
    assert "interval unreliable" in str(accuracy)
    assert str(runs) == "8, 5 of 8 learned"


def test_markdown_rows_have_as_many_cells_as_the_head(small: tuple[Plan, pd.DataFrame]) -> None:
    plan, summary = small
    text = FORMATS["md"](plan.comparisons[0], summary, "CPU", {})
    tables = [rows.splitlines() for rows in text.split("\n\n") if rows.startswith("|")]
    assert [len(rows) for rows in tables] == [2 + 2, 2 + 2]  # ours, and the neighbouring targets
    for rows in tables:
        assert len({len(re.split(r"(?<!\\)\|", row)) for row in rows}) == 1


def tex_rows(text: str) -> list[list[str]]:
    """The cells of every row of the body, as siunitx and LaTeX are given them."""
    body = text.partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    return [line.removesuffix(" \\\\").split(" & ") for line in body.splitlines()]


def test_latex_is_balanced_and_every_row_fills_its_columns(small: tuple[Plan, pd.DataFrame]) -> None:
    plan, summary = small
    text = FORMATS["tex"](plan.comparisons[0], summary, "CPU", {})
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    [spec] = re.findall(r"\\begin\{tabular\}\{@\{\}(.*)@\{\}\}", body)
    columns = re.findall(r"[lrS]", re.sub(r"S\[.*?\](?![,}])", "S", spec))
    for row in re.findall(r"^(.*) \\\\$", body, re.M):
        spans = [int(n) for n in re.findall(r"\\multicolumn\{(\d)\}", row)]
        assert len(re.split(r"(?<!\\)&", row)) + sum(spans) - len(spans) == len(columns)
    assert not re.search(r"(?<!\\)[%#_]", body)
    assert body.count("{") == body.count("}")
    assert [rule for rule in ("toprule", "midrule", "bottomrule") if f"\\{rule}" not in body] == []


CHOSEN = {"arm": "Method", "test_accuracy": "Acc. & more", "epochs_to_target": "Epochs"}


@pytest.fixture
def chosen(small: tuple[Plan, pd.DataFrame]) -> tuple[PlannedComparison, pd.DataFrame]:
    plan, summary = small
    return plan.comparisons[0].model_copy(update={"table": TableStyle(columns=CHOSEN)}), summary


def test_a_paper_has_the_columns_that_were_chosen_and_what_was_lost(
    chosen: tuple[PlannedComparison, pd.DataFrame],
) -> None:
    """Also of columns that were not: runs that diverged are told beside the label."""
    text = FORMATS["tex"](*chosen, "CPU", {"test_accuracy": "sgd"})
    heads = re.findall(r"\\multicolumn\{\d\}\{[@{}lc]+\}\{(.+?)\} ", text)
    assert " ".join(filter(None, heads)) == r"Method Acc. \& more Epochs"
    (adam, *numbers), (sgd, *others) = tex_rows(text)
    assert (adam, sgd) == (r"adam\rlap{\tnote{a}}", "sgd")
    notes = dict(re.findall(r"\\item\[(\w?)\] (.*)", text))
    assert notes == {
        "a": "6/8 finished, 2 diverged", "b": "median", "c": "all seeds equal", "d": "median, 6/8 reached",
        "": "Bold: better than all others, by claims that are supported.",
    }  # fmt: skip
    rows = chosen[1].set_index(["label", "metric"])
    for label, cells in (("adam", numbers), ("sgd", others)):
        plain = [re.sub(r"\\bfseries |\\rlap\{.*?\}\}|[{}\[\],]", "", cell) for cell in cells]
        for metric, shown in (("test_accuracy", plain[:3]), ("epochs_to_target", plain[3:])):
            for name, cell in zip(("estimate", "low", "high"), shown, strict=True):
                value = rows.loc[(label, metric), name] * (100 if metric == "test_accuracy" else 1)
                if np.isfinite(value):
                    assert float(cell) == pytest.approx(value, abs=0.06)
                else:
                    assert cell == ("" if pd.isna(value) else "diverged" if metric == "test_accuracy" else "$>$ budget")
    assert [r"\bfseries" in row[1] for row in tex_rows(text)] == [False, True]
    markdown = FORMATS["md"](*chosen, "CPU", {"test_accuracy": "sgd"})
    assert "| Method | Acc. & more | Epochs |" in markdown
    assert "| adam (6/8 finished, 2 diverged) |" in markdown
    assert re.search(r"^\| sgd \| \*\*[\d.]+.*\*\* \|", markdown, re.M)


@pytest.mark.skipif(not which("pdflatex"), reason="needs LaTeX")
def test_two_metrics_fit_the_column_of_a_paper(chosen: tuple[PlannedComparison, pd.DataFrame], tmp_path: Path) -> None:
    """Of an article in two columns: LaTeX says where something is wider."""
    packages = r"\documentclass[twocolumn]{article}\usepackage{booktabs,siunitx,threeparttable}"
    wrap = r"\begin{document}\begin{table}\small %s\end{table}\end{document}"
    (tmp_path / "t.tex").write_text(packages + wrap % ("\n" + FORMATS["tex"](*chosen, "CPU", {"test_accuracy": "sgd"})))
    log = run(["pdflatex", "-halt-on-error", "t"], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert "Output written" in log, log
    assert "Overfull" not in log


CLAIMS = """
o: {vary: {dropout: [0, 0.1, 0.2]}, metrics: [test_accuracy], claims: [
  {metric: test_accuracy, better: dropout=0, than: dropout=0.1, exploratory: true},
  {metric: test_accuracy, better: dropout=0.1, than: dropout=0.2, exploratory: true}]}
"""


@pytest.mark.parametrize(
    ("changed", "best"),
    [
        ({}, {"test_accuracy": "dropout=0"}),  # by a chain
        ({"verdict": "undecided"}, {}),
        ({"verdict": "within the margin"}, {}),
        ({"kind": "equal"}, {}),
        ({"looks": 2}, {}),  # that nobody declared
        ({"comparison": "another"}, {}),
    ],
)
def test_best_is_what_supported_claims_put_above_all(
    planned: Callable[..., Plan], changed: dict[str, object], best: dict[str, str]
) -> None:
    [comparison] = planned(CLAIMS).comparisons
    rows = [
        {"comparison": "o", "verdict": "supported", "looks": 1, "looks_declared": 1, "kind": "better"}
        | claim.model_dump(include={"metric", "better", "than", "better_arm", "than_arm"})
        for claim in comparison.claims
    ]
    rows[1] |= changed
    assert best_of(comparison, pd.DataFrame(rows)) == best


def test_latex_prints_any_label_as_it_is() -> None:
    assert latex(r"a_b & 5 % \ {x} ~ ^ #1 $2") == (
        r"a\_b \& 5 \% \textbackslash{} \{x\} \textasciitilde{} \textasciicircum{} \#1 \$2"
    )


def test_a_column_shares_its_decimals_as_far_as_intervals_allow() -> None:
    wide, narrow = Estimate(0.26, 0.22, 0.30), Estimate(0.9252, 0.9200, 0.9304)
    assert [str(shown) for shown in column("test_accuracy", [wide, narrow])] == [
        "26.0 [22.0 to 30.0]",
        "92.5 [92.0 to 93.0]",
    ]
    assert str(show("epochs_to_target", Estimate(8.0, 8.0, float("inf")))) == "8 [8 to > budget]"
    assert str(show("test_loss", Estimate(float("nan"), None, None))) == "–"


def test_decimals_of_a_column_are_in_line() -> None:
    """By blanks as wide as a digit (2007) and as a point (2008), whatever stands behind the number."""
    texts = ["8", "12.25", "3.5 points", "–", "× 1.1", "1.0e-05", "> budget"]
    assert [cell.value for cell in aligned([Cell(text) for text in texts])] == [
        "8\u2008\u2007\u2007", "12.25", "3.5\u2007 points", "–", "× 1.1\u2007", "1.0e-05", "> budget",
    ]  # fmt: skip


def test_an_end_near_zero_keeps_two_digits_without_an_exponent() -> None:
    """As people write numbers; only those that are very small have one."""
    cells = [show("test_accuracy", Estimate(0.26, low, 0.52), 0) for low in (-0.0048, 0.0, 1e-7)]
    assert [str(cell) for cell in cells] == ["26 [−0.48 to 52]", "26 [0 to 52]", "26 [1.0e-05 to 52]"]


def test_headings_name_the_unit_once() -> None:
    assert heading("epochs_to_target") == "epochs to target"
    assert heading("test_loss", "squared error") == "test loss (squared error)"
    assert heading("speedup", device="CPU") == "speedup (×, CPU)"


@pytest.mark.parametrize(
    ("text", "value"),
    [("120 s", 120.0), ("5,000 iterations", 5000.0), ("0.026", 0.026), ("high complexity", None), (None, None)],
)
def test_reported_figures_are_read_where_they_begin_with_a_number(text: str | None, value: float | None) -> None:
    assert leading(text) == value


def test_the_reference_of_the_speedup_is_named(planned: Callable[..., Plan]) -> None:
    text = "o: {vary: {gpus: [1, 2]}, metrics: [METRIC], reference: gpus=2}"
    for metric, named in (("speedup", True), ("train_seconds", False)):
        plan = planned(text.replace("METRIC", metric))
        notes = table(plan.comparisons[0], summary_table(plan, records(plan)).to_pandas()).notes
        assert ("Speedup: gpus=2 is the reference (1×), round by round." in notes) == named


def test_a_metric_that_was_not_recorded_says_so(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {dropout: [0, 0.1]}, metrics: [test_macro_f1, test_accuracy]}")
    found = records(plan)
    [comparison] = plan.comparisons
    first = found.runs["arm"] == comparison.arms[0].arm
    runs = found.runs.assign(test_macro_f1=found.runs["test_macro_f1"].mask(first))
    text = FORMATS["md"](comparison, summary_table(plan, found._replace(runs=runs)).to_pandas(), None, {})
    assert "| dropout=0 | – (not recorded) |" in text
