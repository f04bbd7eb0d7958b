"""The tuning figure: who is robust, what was chosen, what diverged, and where a search was too narrow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from study.plan.plan import Plan
from study.plan.search import Candidate
from study.show.figures import results_figure, tuning_figure
from study.show.figures.data import Evidence
from study.show.figures.tuning_figure import Candidates
from study.show.observations import observe
from study.show.page.finding import order_repeats
from tests.show.records import draw, figure_data, records, stored
from tests.show.test_figures import texts
from tests.show.test_tuning import NARROW, WIDE, edgy, hopeless, lost
from tests.show.tunings import Quality, bump

TWO = """
o:
  vary: {regularizer: [none, l1, l2]}
  metrics: [test_accuracy]
  tune:
    optimizer.lr: {log: [0.001, 10], points: 5}
    regularizer.strength: {log: [0.001, 0.1], points: 3}
    by_seed: false
    seeds: 2
"""
LISTS = """
o:
  vary: {activation: [relu, tanh]}
  metrics: [test_loss]
  tune: {network.hidden: {values: [[8], [16], [32, 32]]}, seeds: 2, by_seed: false}
"""
MANY = """
o:
  vary: {optimizer: [sgd, adam], dropout: %s}
  metrics: [test_accuracy]
  tune: {optimizer.lr: {log: [0.001, 10], points: 5}, seeds: 2, extend: 2}
"""


def searched(plan: Plan, quality: Quality | None) -> tuple[Evidence, list[Candidates]]:
    found = records(plan, lost if quality is hopeless else None, quality=quality)
    evidence = figure_data(plan, found)
    return evidence, tuning_figure.panels(evidence, plan)


def strength(label: str, settings: Candidate, seed: int) -> float | None:
    if settings["optimizer.lr"] == 10:
        return None
    away = np.log10(float(settings.get("regularizer.strength", 0.01)) / 0.01)  # type: ignore[arg-type]
    return (bump(0.1)(label, settings, seed) or 0) - 0.05 * abs(away)


def widths(label: str, settings: Candidate, seed: int) -> float | None:
    return 0.9 - 0.1 * len(settings["network.hidden"]) - 0.001 * seed  # type: ignore[arg-type]


KINDS: Mapping[str, tuple[str, Quality | None, int]] = {  # panels
    "one setting": (NARROW, edgy, 1),
    "two selections": (WIDE, bump(0.1), 2),
    "two settings": (TWO, strength, 2),
    "lists": (LISTS, widths, 1),
    "many arms": (MANY % [0, 0.1, 0.2, 0.3, 0.4], bump(0.1), 1),
    "very many arms": (MANY % [i / 50 for i in range(21)], bump(0.1), 1),
    "many arms without values": (MANY % [0, 0.1, 0.2, 0.3, 0.4], lambda label, settings, seed: None, 1),
    "all candidates of an arm diverged": (NARROW, hopeless, 1),
    "all candidates diverged": (NARROW, lambda label, settings, seed: None, 1),
    "no candidate reached the target": (WIDE, bump(0.1, top=0.8), 2),
    "not tuned yet": (NARROW, None, 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_was_found_can_be_drawn(planned: Callable[..., Plan], kind: str) -> None:
    """Warnings are errors here: no empty slice, no collapsed layout, no missing glyph."""
    text, quality, panels = KINDS[kind]
    _, candidates = searched(planned(text, seeds=2), quality)
    assert len(candidates) == panels
    shown = texts(tuning_figure.draw(candidates))
    assert "tuning seed" in shown
    assert "{" not in tuning_figure.caption(candidates)
    reasons = {"not tuned yet": "not tuned yet", "all candidates diverged": "every candidate diverged",
               "no candidate reached the target": "no candidate reached the target"}  # fmt: skip
    assert reasons.get(kind, "") in shown.splitlines() or kind not in reasons


def lines(figure: Figure, colour: str) -> list[np.ndarray]:
    """The curves of an arm: x and y. [points, 2]"""
    found = figure.axes[0].get_lines()
    return [np.array(line.get_xydata()) for line in found if line.get_color() == colour and len(line.get_xdata()) > 1]


def test_a_line_goes_through_the_means_and_breaks_where_a_seed_diverged(planned: Callable[..., Plan]) -> None:
    def quality(label: str, settings: Candidate, seed: int) -> float | None:
        rate = float(settings["optimizer.lr"])  # type: ignore[arg-type]
        return None if rate == 0.1 and seed == 1 else 0.8 + rate + 0.01 * seed

    evidence, candidates = searched(planned(NARROW), quality)
    figure = tuning_figure.draw(candidates)
    for label in evidence.labels:
        (curve,) = lines(figure, evidence.looks[label].color)
        assert curve[:, 0] == pytest.approx([0.001, 0.01, 0.1])
        assert curve[:, 1] == pytest.approx([81.1, 82, np.nan], nan_ok=True)
    lost_seeds = [{"label": label, "x": 0.1, "end": "diverged", "all": False} for label in candidates[0].chosen]
    assert candidates[0].lost[["label", "x", "end", "all"]].to_dict("records") == lost_seeds
    assert "diverged ×" in texts(figure)


def test_every_tuning_seed_is_a_dot_and_the_chosen_candidate_is_marked(planned: Callable[..., Plan]) -> None:
    _, candidates = searched(planned(NARROW), edgy)
    ax = tuning_figure.draw(candidates).axes[0]
    dots = [np.ma.getdata(part.get_offsets()) for part in ax.collections if len(part.get_offsets()) == 9]
    assert len(dots) == 2
    marked = {float(line.get_xdata()[0]) for line in ax.get_lines() if line.get_markeredgecolor() == "0.1"}
    assert marked == {0.1, 0.01}
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    assert [arrow.xy[0] for arrow in arrows] == [0.1]  # of sgd, at the upper edge


def test_of_several_settings_the_best_over_the_others_is_shown(planned: Callable[..., Plan]) -> None:
    plan = planned(TWO)
    _, (rates, strengths) = searched(plan, strength)
    assert (rates.setting.key, strengths.setting.key) == ("optimizer.lr", "regularizer.strength")
    assert list(strengths.chosen) == ["l1", "l2"]
    trials = records(plan, quality=strength).tuning
    l1 = {label: arm for arm, label in plan.comparisons[0].labels.items()}["l1"]
    rows = trials[(trials["arm"] == l1) & (trials["status"] == "finished")]
    rows = rows.assign(x=[json.loads(text)["optimizer.lr"] for text in rows["settings"]])
    best = 100 * rows.groupby(["x", "candidate"])["val_accuracy"].mean().groupby("x").max()
    profile = rates.profile[rates.profile["label"] == "l1"].set_index("x")["mean"].dropna()
    assert profile.to_dict() == pytest.approx(best.to_dict())
    assert "each with the best of the other settings" in tuning_figure.caption([rates, strengths])


@pytest.mark.parametrize("main_figure", [True, False])
def test_captions_and_legends_name_undertuned_arms_and_what_to_try(
    planned: Callable[..., Plan], main_figure: bool
) -> None:
    evidence, candidates = searched(planned(NARROW), edgy)
    figure, text = (
        (results_figure.draw(evidence), results_figure.caption(evidence))
        if main_figure
        else (tuning_figure.draw(candidates), tuning_figure.caption(candidates))
    )
    assert "sgd, best at the edge (lr=0.1); try 1, 10." in text
    assert "sgd\nundertuned" in texts(figure)
    assert "adam\nundertuned" not in texts(figure)


def test_panels_say_which_arms_they_show(planned: Callable[..., Plan]) -> None:
    evidence, candidates = searched(planned(WIDE), bump(0.1))
    results = results_figure.draw(evidence)
    titles = [ax.get_title(loc="right").rpartition("\n")[2] for ax in results.axes]
    first, _ = evidence.comparison.metrics
    assert first == "test_accuracy"
    assert titles == ["tuned by validation accuracy", "tuned by validation accuracy", "tuned by steps to target"]
    assert "not timed" not in texts(results)
    tuned = [ax.get_title(loc="right").rpartition("\n")[2] for ax in tuning_figure.draw(candidates).axes]
    assert [text for text in tuned if text] == ["tuning for test accuracy", "tuning for time to target"]


@pytest.mark.parametrize("gap", [0.1, 0.0], ids=["far apart", "tied"])
def test_notes_say_how_often_the_order_repeats(planned: Callable[..., Plan], gap: float) -> None:
    plan = planned("o: {vary: {dropout: [0, 0.3]}, metrics: [test_accuracy]}")

    def outcome(label: str, seed: int) -> Mapping[str, object]:
        return {"level": 0.8 + gap * (label == "dropout=0") + 0.01 * (seed % 2), "pace": 0.2}

    repeats = (
        "The order of the arms by test accuracy repeats in 100 % of resampled seeds (no test: two equal arms "
        "reach 95 % in 14 % of studies)."
    )
    told = repeats if gap else "All arms tie in test accuracy, so they have no order."
    assert told in order_repeats(plan.comparisons[0], observe(plan, records(plan, outcome)))


def test_an_order_by_chance_repeats_half_of_the_time(planned: Callable[..., Plan]) -> None:
    """Alike but for one seed that is a little better: drawn at least once in 1 − (7/8)⁸ = 66 % of samples."""
    plan = planned("o: {vary: {dropout: [0, 0.3]}, metrics: [test_accuracy]}")

    def outcome(label: str, seed: int) -> Mapping[str, object]:
        return {"level": 0.8 + 0.01 * (label == "dropout=0" and seed == 3), "pace": 0.2}

    text = order_repeats(plan.comparisons[0], observe(plan, records(plan, outcome)))
    share = float(text.partition("repeats in ")[2].partition(" %")[0]) / 100
    assert share == pytest.approx(1 - (7 / 8) ** 8, abs=0.035)  # three standard errors of 2,000 draws


@pytest.mark.parametrize("gone", [["sgd"], ["adam"], ["sgd", "adam"]])
@pytest.mark.parametrize("metrics", ["test_accuracy, seconds_to_target", "epochs_to_target"])
def test_arms_of_which_every_candidate_diverged_never_reach_the_target(
    planned: Callable[..., Plan], gone: list[str], metrics: str
) -> None:
    plan = planned(WIDE.replace("test_accuracy, seconds_to_target", metrics))
    found = records(
        plan,
        lambda label, seed: {"status": "diverged", "reason": "tuning"} if label in gone else {"level": 0.96, "pace": 1},
        quality=lambda label, settings, seed: None if label in gone else bump(0.1)(label, settings, seed),
    )
    untrained = [arm for arm, label in plan.comparisons[0].trained.items() if label in gone]
    evidence = figure_data(plan, found._replace(curves=found.curves[~found.curves["arm"].isin(untrained)]))
    shown = texts(results_figure.draw(evidence)).splitlines()
    assert [f"{label}: 0/8" for label in evidence.labels if label in gone] == [x for x in shown if x.endswith(": 0/8")]


def test_nothing_is_said_of_the_order_where_runs_are_missing(planned: Callable[..., Plan]) -> None:
    plan = planned("o: {vary: {dropout: [0, 0.3]}, metrics: [test_accuracy]}")
    found = records(plan, lambda label, seed: {"status": "missing"} if seed == 2 else {})
    assert order_repeats(plan.comparisons[0], observe(plan, found)) == ""


def test_it_is_drawn_again_with_the_same_bytes(planned: Callable[..., Plan], tmp_path: Path) -> None:
    plan = planned(NARROW, seeds=2)
    path, _ = stored(plan, records(plan, quality=edgy), tmp_path / "results")
    files = [path.parent / "figures" / "tuning" / f"o.{ending}" for ending in ("svg", "png", "pdf")]
    draw(path, "tuning", "o")
    first = [file.read_bytes() for file in files]
    draw(path, "tuning", "o")
    assert [file.read_bytes() for file in files] == first


SIX = """
o:
  vary: {optimizer: [sgd, adam]}
  metrics: [test_accuracy, test_loss, steps_to_target]
  tune:
    optimizer.lr: {log: [0.001, 10], points: 5}
    dropout: {linear: [0, 0.4], points: 3}
    seeds: 2
    by_seed: false
    select: [val_accuracy, val_loss, steps_to_target]
"""
ROOT = Path(__file__).parents[2]
AGAIN = """
import sys
from pathlib import Path
from tests.show.records import draw
kept = [object() for _ in range(int(sys.argv[2]))]  # so that objects of each drawing have other addresses
draw(Path(sys.argv[1]), "tuning", "o")
for path in Path(sys.argv[1]).parent.glob("figures/tuning/o.*"):
    path.rename(Path(sys.argv[3], path.name))
"""


def test_processes_draw_the_same_bytes(planned: Callable[..., Plan], tmp_path: Path) -> None:
    """Panels of which the solver of the layout finds the places, up to rounding, in an order of addresses."""

    def quality(label: str, settings: Candidate, seed: int) -> float | None:
        return None if settings["optimizer.lr"] == 10 else bump(0.1)(label, settings, seed)

    plan = planned(SIX, seeds=2)
    path, _ = stored(plan, records(plan, quality=quality), tmp_path / "results")
    found: dict[str, set[bytes]] = {}
    for process in ("100", "2345"):
        folder = tmp_path / process
        folder.mkdir()
        command = [sys.executable, "-c", AGAIN, str(path), process, str(folder)]
        subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
        for file in folder.iterdir():
            found.setdefault(file.suffix, set()).add(file.read_bytes())
    assert {ending: len(versions) for ending, versions in found.items()} == {".svg": 1, ".png": 1, ".pdf": 1}


def test_the_strip_of_lost_seeds_lists_only_arms_that_lost_some(planned: Callable[..., Plan]) -> None:
    _, candidates = searched(planned(NARROW), hopeless)
    assert list(candidates[0].lost["label"].unique()) == ["sgd"]
