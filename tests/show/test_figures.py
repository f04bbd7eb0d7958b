"""Every kind of figure: what it says, and that it can be drawn from whatever is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from study.plan.plan import Plan
from study.show.figures import results_figure
from study.show.figures.panel import save
from study.show.figures.panels.curves import LearningCurves, ToTarget
from study.show.figures.panels.matrix import HeatMap, Ranked, is_matrix, shape
from study.show.figures.panels.points import Dots, Rounds, Times, TrainTest
from tests.show.records import Outcome, figure_data, records

OPTIMIZERS = "{optimizer: [sgd, {name: adam, lr: 0.01}]}"
DIVERGED = {"status": "diverged", "reason": "loss not finite"}
KINDS = {
    "curves and dots": (
        f"o: {{vary: {OPTIMIZERS}, metrics: [test_accuracy, weight_norm]}}",
        [LearningCurves, Dots, Dots],
    ),
    "to target": (
        f"o: {{vary: {OPTIMIZERS}, metrics: [seconds_to_target, memory_mib]}}",
        [LearningCurves, ToTarget, Rounds],
    ),
    "train and test": (
        "o: {vary: {dropout: [0, 0.3, 0.5]}, metrics: [train_accuracy, test_accuracy]}",
        [LearningCurves, TrainTest],
    ),
    "many dots": (
        f"o: {{vary: {{dropout: {[i / 20 for i in range(15)]}}}, metrics: [test_accuracy, epochs_to_target]}}",
        [Dots, Times],
    ),
    "matrix": (
        f"o: {{vary: {{batch_size: [16, 32], dropout: [0, 0.3], init: [zeros, he_normal], {OPTIMIZERS[1:]}, "
        "metrics: [test_accuracy, epochs_to_target]}",
        [HeatMap, HeatMap, Ranked, *[LearningCurves] * 4],
    ),
    "very many": (
        f"o: {{vary: {{batch_size: {list(range(2, 47))}}}, metrics: [test_loss]}}",
        [Ranked],
    ),
}
MODULES = ("curves", "matrix", "points", "scaling")
ENDS: dict[str, Outcome] = {
    "all finished": lambda label, seed: {},
    "all diverged": lambda label, seed: DIVERGED,
    "nothing there": lambda label, seed: {"status": "missing"},
    "an arm without runs": lambda label, seed: {"status": "failed"} if "adam" in label or "=0.3" in label else {},
    "some diverged": lambda label, seed: DIVERGED if seed % 2 else {},
    "perfect": lambda label, seed: {"level": 1.0, "pace": 0.05},
}


def texts(figure: Figure) -> str:
    figure.draw_without_rendering()
    return "\n".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_suits_what_varies_and_says_units_and_n(
    planned: Callable[..., Plan], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among the kinds of today's modules: one that is added may suit any of these metrics."""
    known = [found for found in results_figure.kinds() if found.__module__.rpartition(".")[2] in MODULES]
    monkeypatch.setattr(results_figure, "kinds", lambda: known)
    comparison, wanted = KINDS[kind]
    plan = planned(comparison)
    evidence = figure_data(plan, records(plan))
    assert [type(panel) for panel in results_figure.panels(evidence)] == wanted
    figure = results_figure.draw(evidence)
    shown = texts(figure)
    assert "n = 8 seeds per arm" in shown
    assert "n = 8 seeds per arm" in results_figure.caption(evidence)
    for panel in results_figure.panels(evidence):
        named = evidence.axis(panel.metric).split("\n")[0] in shown
        assert named or isinstance(panel, TrainTest | LearningCurves)
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        assert not axis.get_label_text() or (axis.get_scale() == "linear") != ("scale" in axis.get_label_text())
    if LearningCurves in wanted:
        assert "epochs" in shown
        assert "validation accuracy (%)" in shown
    assert "{" not in results_figure.caption(evidence)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_there_can_be_drawn(planned: Callable[..., Plan], kind: str, end: str) -> None:
    """Warnings are errors here: no empty slice, no collapsed layout, no missing glyph."""
    plan = planned(KINDS[kind][0], seeds=1 if end == "perfect" else 4)
    found = records(plan, ENDS[end], timed=end != "nothing there")
    evidence = figure_data(plan, found)
    assert "seed" in texts(results_figure.draw(evidence))


def test_a_regression_is_drawn_in_squared_errors(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {OPTIMIZERS}, metrics: [test_loss, train_loss, epochs_to_target]}}", dataset="diabetes")
    found = records(plan, lambda label, seed: {"level": 0.5 + seed / 100}, regression=True)
    shown = texts(results_figure.draw(figure_data(plan, found)))
    assert "validation loss (squared error)" in shown
    assert "loss (squared error)" in shown
    assert "accuracy" not in shown


def outcome(label: str, seed: int) -> Mapping[str, object]:
    if label != "adam":
        return {}
    return DIVERGED if seed < 3 else {"status": "failed"} if seed == 3 else {"learned": seed != 4}


def test_every_seed_is_a_dot_and_every_broken_run_is_counted(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {OPTIMIZERS}, metrics: [test_accuracy]}}")
    evidence = figure_data(plan, records(plan, outcome))
    figure = results_figure.draw(evidence)
    drawn = sum(len(np.ma.getdata(part.get_offsets())) for part in figure.axes[1].collections)
    assert drawn == 8 + 4
    assert "3 diverged, 1 failed of 8" in texts(figure).replace("\n", " ")
    assert "3 diverged, 1 failed of 8" in results_figure.caption(evidence)
    hollow = [part for part in figure.axes[1].collections if not len(part.get_facecolor())]
    assert sum(len(np.ma.getdata(part.get_offsets())) for part in hollow) == 1  # the run that did not learn


def test_an_arm_has_one_colour_and_one_marker_in_all_panels(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {dropout: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]}, metrics: [test_accuracy]}")
    evidence = figure_data(plan, records(plan))
    assert list(evidence.looks) == evidence.labels
    colours, markers, lines = map(set, zip(*evidence.looks.values(), strict=True))
    assert len(colours) == len(markers) == len(lines) == 8


FACTORIALS = {  # the values of the keys, and the titles of the panels of curves
    "2 x 3": ("optimizer: [sgd, adam], schedule: [constant, cosine, step]", [""]),
    "3 x 3": ("optimizer: [sgd, adam, momentum], schedule: [constant, cosine, step]", ["constant", "cosine", "step"]),
    "2 x 2 x 2": (
        "optimizer: [sgd, adam], schedule: [constant, cosine], dropout: [0, 0.3]",
        ["dropout=0", "dropout=0.3"],
    ),
}


@pytest.mark.parametrize("case", FACTORIALS)
def test_in_a_factorial_colour_line_and_marker_are_axes(planned: Callable[..., Plan], case: str) -> None:
    vary, titles = FACTORIALS[case]
    vary = vary.replace("adam", "{name: adam, lr: 0.01}").replace("momentum", "{name: momentum, lr: 0.01}")
    plan = planned(f"o: {{vary: {{{vary}}}, metrics: [test_accuracy]}}")
    lost = "adam, cosine"
    evidence = figure_data(
        plan, records(plan, lambda label, seed: DIVERGED if label.startswith(lost) and not seed else {})
    )
    looks = {arm.label: (arm.values, evidence.looks[arm.label]) for arm in plan.comparisons[0].arms}
    for one, first in looks.values():
        for other, second in looks.values():
            assert (first.color == second.color) == (one["optimizer"] == other["optimizer"])
            assert (first.linestyle == second.linestyle) == (one["schedule"] == other["schedule"])
            marked = "dropout" if "dropout" in one else "schedule"
            assert (first.marker == second.marker) == (one[marked] == other[marked])
    chosen = results_figure.panels(evidence)
    curves = [panel for panel in chosen if isinstance(panel, LearningCurves)]
    assert [panel.part for panel in curves] == titles
    assert sorted(label for panel in curves for label in panel.labels) == sorted(evidence.labels)
    figure = results_figure.draw(evidence)
    for i, ax in enumerate(figure.axes):
        if chosen[i:] and isinstance(chosen[i], LearningCurves):
            lines = [line for line in ax.get_lines() if len(line.get_ydata()) > 2]  # type: ignore[arg-type]
            assert len(lines) == len(evidence.labels) / len(titles)
    [legend] = figure.legends
    entries = [text.get_text() for text in legend.get_texts()]
    assert [entries.count(text) for text in ("optimizer:", "sgd", "adam", "schedule:", "cosine")] == [1] * 5
    assert sum(text.replace("\n", " ").startswith(lost) for text in entries) == len(evidence.labels) // 6 + (
        case == "2 x 2 x 2"
    )


def test_settings_that_go_together_are_no_factorial(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {arms: [{optimizer.lr: 0.1, batch_size: 8}, {optimizer.lr: 0.2, batch_size: 16}], "
                   "metrics: [test_loss]}")  # fmt: skip
    assert not figure_data(plan, records(plan)).factors


@pytest.mark.parametrize("kind", ["to target", "matrix"])
def test_figures_are_the_same_bytes_each_time(planned: Callable[..., Plan], tmp_path: Path, kind: str) -> None:
    plan = planned(KINDS[kind][0], seeds=3)
    for name in ("one", "two"):
        evidence = figure_data(plan, records(plan))
        save(results_figure.draw(evidence), tmp_path / name, results_figure.caption(evidence))
    for ending in ("svg", "png", "pdf"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """Of two colours, as WCAG 2.2 defines it."""
    linear = [[c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour] for colour in (one, other)]
    dark, light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in linear)
    return (light + 0.05) / (dark + 0.05)


def test_the_matrix_of_108_arms_has_a_cell_for_each(tmp_path: Path) -> None:
    from study.plan.file.expand import prepare
    from study.store.layout import Store

    plan = prepare(Path(__file__).parents[2] / "config" / "matrix.yaml", Store(tmp_path))
    comparison = plan.comparisons[0]
    assert is_matrix(comparison)
    rows, columns = shape(comparison)
    assert rows * columns == len(comparison.arms) == 108
    lost = "adam, cosine, batch_size=16, dropout=0, he_normal"
    evidence = figure_data(plan, records(plan, lambda label, seed: DIVERGED if label == lost else {}))
    figure = results_figure.draw(evidence)
    shown = texts(figure).splitlines()
    assert shown.count("div.") == 1
    assert "n = 7 seeds per arm" in shown
    heat = next(ax for ax in figure.axes if any(text.get_text() == "div." for text in ax.texts))
    cells = heat.collections[0].get_facecolor()
    for text in heat.texts:
        x, y = text.get_position()
        if (label := text.get_text()) and label != "div." and 0 < y < rows and 0 < x < columns:
            assert contrast(to_rgb(text.get_color()), cells[int(y) * columns + int(x)][:3]) >= 4.5


def test_a_figure_that_cannot_be_written_leaves_the_old_one(
    planned: Callable[..., Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: Figure, path: Path, **how: object) -> None:
        Path(path).write_text("half")
        raise OSError("disk full")

    plan = planned(KINDS["curves and dots"][0], seeds=1)
    figure = results_figure.draw(figure_data(plan, records(plan)))
    (tmp_path / "one.svg").write_text("old")
    monkeypatch.setattr(Figure, "savefig", stop)
    with pytest.raises(OSError, match="disk full"):
        save(figure, tmp_path / "one")
    assert (tmp_path / "one.svg").read_text() == "old"
