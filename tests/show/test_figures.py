"""Every kind of figure: what it says, and that it can be drawn from whatever is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from study.plan.plan import Plan
from study.show import figures
from study.show.figures import dots, heat_map, learning_curves, ranked, to_target, train_test
from study.show.figures.evidence import Evidence
from tests.show.records import Outcome, records

OPTIMIZERS = "{optimizer: [sgd, {name: adam, lr: 0.01}]}"
DIVERGED = {"status": "diverged", "reason": "loss not finite"}
KINDS = {
    "curves and dots": (
        f"o: {{vary: {OPTIMIZERS}, metrics: [test_accuracy, weight_norm]}}",
        [learning_curves.draw, dots.draw, dots.draw],
    ),
    "to target": (
        f"o: {{vary: {OPTIMIZERS}, metrics: [seconds_to_target, memory_mib]}}",
        [learning_curves.draw, to_target.draw, dots.draw_rounds],
    ),
    "train and test": (
        "o: {vary: {dropout: [0, 0.3, 0.5]}, metrics: [train_accuracy, test_accuracy]}",
        [learning_curves.draw, train_test.draw],
    ),
    "many dots": (
        f"o: {{vary: {{dropout: {[i / 20 for i in range(15)]}}}, metrics: [test_accuracy, epochs_to_target]}}",
        [dots.draw, dots.draw_times],
    ),
    "matrix": (
        f"o: {{vary: {{batch_size: [16, 32], dropout: [0, 0.3], init: [zeros, he_normal], {OPTIMIZERS[1:]}, "
        "metrics: [test_accuracy, epochs_to_target]}",
        [heat_map.draw, heat_map.draw, ranked.draw],
    ),
    "very many": (
        f"o: {{vary: {{batch_size: {list(range(2, 47))}}}, metrics: [test_loss]}}",
        [ranked.draw],
    ),
}
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
def test_the_kind_suits_what_varies_and_says_units_and_n(planned: Callable[..., Plan], kind: str) -> None:
    comparison, wanted = KINDS[kind]
    plan = planned(comparison)
    evidence = Evidence.of(plan.comparisons[0], records(plan))
    assert [panel.draw for panel in figures.panels(evidence)] == wanted
    figure = figures.draw(evidence)
    shown = texts(figure)
    assert "n = 8 seeds per arm" in shown
    assert "n = 8 seeds per arm" in figures.caption(evidence)
    for panel in figures.panels(evidence):
        assert evidence.axis(panel.metric).split("\n")[0] in shown or panel.draw in (
            train_test.draw,
            learning_curves.draw,
        )
    if learning_curves.draw in wanted:
        assert "epochs" in shown
        assert "validation accuracy (%)" in shown
    assert "{" not in figures.caption(evidence)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_there_can_be_drawn(planned: Callable[..., Plan], kind: str, end: str) -> None:
    """Warnings are errors here: no empty slice, no collapsed layout, no missing glyph."""
    plan = planned(KINDS[kind][0], seeds=1 if end == "perfect" else 4)
    found = records(plan, ENDS[end], timed=end != "nothing there")
    evidence = Evidence.of(plan.comparisons[0], found)
    assert "seed" in texts(figures.draw(evidence))


def test_a_regression_is_drawn_in_squared_errors(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {OPTIMIZERS}, metrics: [test_loss, train_loss, epochs_to_target]}}", dataset="diabetes")
    found = records(plan, lambda label, seed: {"level": 0.5 + seed / 100}, regression=True)
    shown = texts(figures.draw(Evidence.of(plan.comparisons[0], found)))
    assert "validation loss (squared error)" in shown
    assert "loss (squared error)" in shown
    assert "accuracy" not in shown


def outcome(label: str, seed: int) -> Mapping[str, object]:
    if label != "adam":
        return {}
    return DIVERGED if seed < 3 else {"status": "failed"} if seed == 3 else {"learned": seed != 4}


def test_every_seed_is_a_dot_and_every_broken_run_is_counted(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {OPTIMIZERS}, metrics: [test_accuracy]}}")
    evidence = Evidence.of(plan.comparisons[0], records(plan, outcome))
    figure = figures.draw(evidence)
    drawn = sum(len(np.ma.getdata(part.get_offsets())) for part in figure.axes[1].collections)
    assert drawn == 8 + 4
    assert "3 diverged, 1 failed of 8" in texts(figure).replace("\n", " ")
    assert "3 diverged, 1 failed of 8" in figures.caption(evidence)
    hollow = [part for part in figure.axes[1].collections if not len(part.get_facecolor())]
    assert sum(len(np.ma.getdata(part.get_offsets())) for part in hollow) == 1  # the run that did not learn


def test_an_arm_has_one_colour_and_one_marker_in_all_panels(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {dropout: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]}, metrics: [test_accuracy]}")
    evidence = Evidence.of(plan.comparisons[0], records(plan))
    looks = {(evidence.colour(x), evidence.marker(x)) for x in evidence.labels}
    assert len({colour for colour, _ in looks}) == len({marker for _, marker in looks}) == 8


@pytest.mark.parametrize("kind", ["to target", "matrix"])
def test_figures_are_the_same_bytes_each_time(planned: Callable[..., Plan], tmp_path: Path, kind: str) -> None:
    plan = planned(KINDS[kind][0], seeds=3)
    for name in ("one", "two"):
        evidence = Evidence.of(plan.comparisons[0], records(plan))
        figures.save(figures.draw(evidence), tmp_path / name, figures.caption(evidence))
    for ending in ("svg", "png", "pdf"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_the_matrix_of_108_arms_has_a_cell_for_each(tmp_path: Path) -> None:
    from study.plan.prepare import prepare
    from study.plan.store import Store

    plan = prepare(Path(__file__).parents[2] / "config" / "matrix.yaml", Store(tmp_path))
    comparison = plan.comparisons[0]
    assert heat_map.suits(comparison)
    rows, columns = heat_map.shape(comparison)
    assert rows * columns == len(comparison.arms) == 108
    lost = "adam, cosine, batch_size=16, dropout=0, he_normal"
    evidence = Evidence.of(comparison, records(plan, lambda label, seed: DIVERGED if label == lost else {}))
    shown = texts(figures.draw(evidence)).splitlines()
    assert shown.count("div.") == 1
    assert "n = 6 seeds per arm" in shown


@pytest.mark.parametrize("metric", ["test_accuracy", "test_loss"])
def test_no_band_where_nearly_all_seeds_diverged(planned: Callable[..., Plan], metric: str) -> None:
    """Diverged runs stop at epoch 4: with 7 of 8 no quartile exists after it, and nothing may be shaded there."""
    plan = planned(f"o: {{vary: {OPTIMIZERS}, metrics: [{metric}]}}")
    found = records(plan, lambda label, seed: DIVERGED if label == "adam" and seed else {})
    figure = figures.draw(Evidence.of(plan.comparisons[0], found))
    bands = [band.get_paths()[0].vertices for band in figure.axes[0].collections]
    assert sorted(vertices[:, 0].max() for vertices in bands) == [4, 8]


def test_a_band_goes_to_the_edge_where_only_its_worse_side_diverged(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {OPTIMIZERS}, metrics: [test_loss]}}")
    found = records(plan, lambda label, seed: DIVERGED if label == "adam" and seed < 3 else {})
    figure = figures.draw(Evidence.of(plan.comparisons[0], found))
    bands = [band.get_paths()[0].vertices for band in figure.axes[0].collections]
    highest = max(line.get_ydata().max() for line in figure.axes[0].get_lines() if len(line.get_ydata()) > 2)
    last = [vertices[vertices[:, 0] == 8][:, 1].max() for vertices in bands]
    assert max(last) >= highest


SLOW = {"level": 0.5}  # the target is 90 %
EMPTY: dict[str, tuple[str, str, Outcome, bool, str]] = {
    "unreached": ("epochs_to_target", "init: [zeros, he_normal]", lambda label, seed: SLOW, True,
                  "no run reached the target"),
    "unreached, timed": ("seconds_to_target", "init: [zeros, he_normal]", lambda label, seed: SLOW, True,
                         "no run reached the target"),
    "untimed": ("seconds_to_target", "init: [zeros, he_normal]", lambda label, seed: {}, False, "not timed yet"),
    "diverged": ("test_loss", "init: [zeros, he_normal]", lambda label, seed: DIVERGED, True, "no run finished"),
    "missing": ("test_loss", "init: [zeros, he_normal]", lambda label, seed: {"status": "missing"}, True,
                "no runs yet"),
}  # fmt: skip


@pytest.mark.parametrize("case", EMPTY)
def test_dots_and_ranks_give_the_same_true_reason_for_an_empty_panel(planned: Callable[..., Plan], case: str) -> None:
    metric, values, end, timed, reason = EMPTY[case]
    plan = planned(f"o: {{vary: {{{values}}}, metrics: [{metric}]}}")
    evidence = Evidence.of(plan.comparisons[0], records(plan, end, timed=timed))
    for draw in (dots.draw, ranked.draw):
        figure = Figure()
        draw(figure.subplots(), evidence, metric)
        assert reason in texts(figure).splitlines()


def test_an_interval_past_the_budget_is_an_arrow_to_the_edge(planned: Callable[..., Plan]) -> None:
    plan = planned(f"o: {{vary: {OPTIMIZERS}, metrics: [epochs_to_target]}}")
    found = records(plan, lambda label, seed: {"level": 0.95 if seed < 5 else 0.5, "pace": 1 + seed / 10})
    evidence = Evidence.of(plan.comparisons[0], found)
    figure = Figure()
    ax = figure.subplots()
    dots.draw_times(ax, evidence, "epochs_to_target")
    right = ax.get_xlim()[1]
    arrows = [line for line in ax.get_lines() if line.get_marker() == ">"]
    bars = [line for line in ax.get_lines() if len(line.get_xdata()) == 2]
    assert [arrow.get_xdata()[0] for arrow in arrows] == [right] * 2
    assert [bar.get_xdata()[1] for bar in bars] == [right] * 2
    assert all(bar.get_xdata()[0] < right for bar in bars)
    assert "arrow" in str(dots.draw_times.__doc__)


@pytest.mark.parametrize(("kinds", "told"), [(3, True), (9, False)])
def test_the_caption_of_ranks_speaks_of_colours_only_where_they_differ(
    planned: Callable[..., Plan], kinds: int, told: bool
) -> None:
    sizes, rates = list(range(10, 10 + kinds)), [i / 20 for i in range(15)]
    plan = planned(f"o: {{vary: {{batch_size: {sizes}, dropout: {rates}}}, metrics: [test_loss]}}", seeds=1)
    evidence = Evidence.of(plan.comparisons[0], records(plan))
    assert ranked.draw in [panel.draw for panel in figures.panels(evidence)]
    assert ("colours and markers" in figures.caption(evidence)) == told


def test_a_figure_that_cannot_be_written_leaves_the_old_one(
    planned: Callable[..., Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: Figure, path: Path, **how: object) -> None:
        Path(path).write_text("half")
        raise OSError("disk full")

    plan = planned(KINDS["curves and dots"][0], seeds=1)
    figure = figures.draw(Evidence.of(plan.comparisons[0], records(plan)))
    (tmp_path / "one.svg").write_text("old")
    monkeypatch.setattr(Figure, "savefig", stop)
    with pytest.raises(OSError, match="disk full"):
        figures.save(figure, tmp_path / "one")
    assert (tmp_path / "one.svg").read_text() == "old"
