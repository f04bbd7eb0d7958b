"""The wider search that ``suggest`` would have: the points past the edge, the edit, and what it costs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from study.__main__ import main
from study.plan.cost import tuning
from study.plan.plan import Plan
from study.plan.search import Candidate, Search
from study.show.claims.advice import wider_search
from study.store.layout import Store
from tests.show.records import Outcome, records, stored
from tests.show.tunings import Quality, bump, trials

STUDY = """
a:
  tune: {tune}
  vary: {{activation: [relu, tanh]}}
  metrics: [test_accuracy]
  claims: [{{metric: test_accuracy, better: relu, than: tanh}}]
"""
NARROW = "{optimizer.lr: {log: [0.001, 0.01], points: 3}, seeds: 3, extend: 0, by_seed: false}"


class Suggested:
    """What is printed on arms of which the one behind is at the edge of what it searched."""

    def __init__(self, plan: Plan, root: Path, quality: Quality, ahead: str, outcome: Outcome | None = None) -> None:
        self.plan, self.store = plan, Store(root / "results")
        clear = lambda label, seed: {"level": (0.95 if label == ahead else 0.9) + seed / 1000, "pace": 0.5}  # noqa: E731
        self.found = records(plan, outcome or clear, quality=quality)
        for made in trials(plan, quality).values():
            made.write(self.store)
        stored(plan, self.found, self.store.root)


Suggest = Callable[..., tuple[Suggested, list[str]]]


@pytest.fixture
def suggest(planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Suggest:
    def run(tune: str = NARROW, quality: Quality = bump(1.0), ahead: str = "relu") -> tuple[Suggested, list[str]]:  # noqa: B008
        made = Suggested(planned(STUDY.format(tune=tune), seeds=10), tmp_path, quality, ahead)
        assert main(["suggest", str(tmp_path / "small.yaml"), "--results", str(made.store.root)]) == 0
        return made, capsys.readouterr().out.splitlines()

    return run


def searches(plan: Plan) -> list[Search]:
    return [arm.search for arm in plan.arms.values() if arm.search]


def edited(lines: list[str], planned: Callable[..., Plan], others: str) -> Plan:
    """The plan with the edit that is suggested."""
    (line,) = (line for line in lines if "edit: comparisons.a.tune: " in line)
    tune = YAML(typ="safe").load(line.split(".tune: ")[1]) | YAML(typ="safe").load(others)
    return planned(STUDY.format(tune=json.dumps(tune)), seeds=10)


@pytest.mark.parametrize("ahead", ["relu", "tanh"])
def test_an_arm_on_the_edge_of_its_grid_is_to_be_tuned_further(ahead: str, suggest: Suggest) -> None:
    made, lines = suggest(ahead=ahead)
    (advice,) = (line for line in lines if "undertuned" in line)
    behind = {"relu": "tanh", "tanh": "relu"}[ahead]
    chosen = made.found.tuning[made.found.tuning["undertuned"]]
    following = json.loads(chosen["next"].iloc[0])
    points = " or ".join(f"optimizer.lr {point['optimizer.lr']:g}" for point in following)
    assert advice.strip() == f"{behind} is undertuned, next to try: {points}"
    place = lines.index("  edit: comparisons.a.tune: {optimizer.lr: {log: [0.001, 0.1], points: 5}}")
    runs = 2 * 5 * 3 + 2 * 10
    assert lines[place + 3].strip() == (
        "these are new arms: claims on them are stated after results of the present ones were seen, "
        "and looks at those are not counted; claims on the present ones stay on the page as withdrawn"
    )
    assert lines[place + 2] == f"    all its arms are tuned and trained anew: {runs} runs, {runs * 8 * 34:,} steps"


def test_of_arms_found_apart_only_the_one_behind_is_to_be_tuned_further(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in the verdict: both at the edge of their grids, and said to be equal within less than they differ."""
    text = STUDY.replace("than: tanh}}", "than: tanh, kind: equal, margin: 0.01}}").format(tune=NARROW)

    def quality(label: str, settings: Candidate, seed: int) -> float:
        return 0.5 + float(settings["optimizer.lr"]) + seed / 1e4  # type: ignore[arg-type]

    for ahead, behind in (("relu", ["tanh"]), ("tanh", ["relu"]), ("neither", ["relu", "tanh"])):
        made = Suggested(planned(text, seeds=10), tmp_path / ahead, quality, ahead)
        assert len(made.found.tuning[made.found.tuning["undertuned"]]["arm"].unique()) == 2
        assert main(["suggest", str(tmp_path / "small.yaml"), "--results", str(made.store.root)]) == 0
        [advice] = [line for line in capsys.readouterr().out.splitlines() if "undertuned" in line]
        assert re.findall(r"(\w+) is undertuned", advice) == behind
        [row] = pd.read_parquet(made.store.study("small") / "claims.parquet").to_dict("records")
        assert row["undertuned"].tolist() == behind


def test_what_is_undecided_is_tuned_further_before_it_gets_more_seeds(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def noise(label: str, seed: int) -> dict[str, object]:
        return {"level": 0.9 + (0.002 + 0.02 * np.sin(seed) if label == "relu" else 0), "pace": 0.5}

    made = Suggested(planned(STUDY.format(tune=NARROW), seeds=10), tmp_path, bump(1.0), "relu", noise)
    assert main(["suggest", str(tmp_path / "small.yaml"), "--results", str(made.store.root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    chance = "then a chance of 50 % that \\d+ seeds in all decide it, of 80 % with \\d+ \\(10 now\\)"
    found = f"tanh is undertuned, next to try: .*; {chance}"
    assert sum(re.fullmatch(f"    {found}", line) is not None for line in lines) == 1
    edits = [line.split(": ")[1] for line in lines if "edit: " in line]
    assert edits == ["comparisons.a.tune"]


def test_more_seeds_of_arms_that_are_tuned_by_seed_cost_their_searches(
    planned: Callable[..., Plan], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def noise(label: str, seed: int) -> dict[str, object]:
        return {"level": 0.9 + (0.004 + 0.03 * np.sin(seed) if label == "relu" else 0), "pace": 0.5}

    text = STUDY.format(tune="{optimizer.lr: {log: [0.01, 10], points: 4}}")
    plan, store = planned(text, seeds=10), Store(tmp_path / "results")
    for tried in trials(plan, bump(0.1)).values():
        tried.write(store)
    found = records(plan, noise, quality=bump(0.1))
    each = [found.tuning.assign(run_seed=seed, chosen_here=found.tuning["chosen"]) for seed in range(10)]
    stored(plan, found._replace(tuning=pd.concat(each)), store.root)
    assert main(["suggest", str(tmp_path / "small.yaml"), "--results", str(store.root)]) == 0
    printed = capsys.readouterr().out
    needed = re.search(r"edit: comparisons\.a\.seeds: (\d+)\n", printed)
    assert needed, printed
    added = [sum(plan.seeds.values()) + 4 * len(plan.searches) for plan in (plan, planned(text, seeds=int(needed[1])))]
    runs = added[1] - added[0]
    assert f"more seeds for 2 arms, each run tuned for itself: {runs:,} runs, {runs * 8 * 34:,} steps" in printed


def of_all(settings: Candidate) -> float:
    return sum(float(value) for value in settings.values())  # type: ignore[arg-type]


SEARCHES = {
    "a low end": ("{optimizer.lr: {log: [0.1, 10], points: 3}, seeds: 2, extend: 1}", -1),
    "past the edge": ("{optimizer.lr: {log: [0.001, 0.1], points: 5}, seeds: 2, extend: 3}", 1),
    "a linear range": ("{dropout: {linear: [0, 0.2], points: 3}, seeds: 2, by_seed: false, extend: 0}", 1),
    "whole numbers": ("{batch_size: {log: [8, 64], points: 4}, seeds: 2, by_seed: false, extend: 0}", 1),
    "listed values": ("{optimizer.lr: {values: [0.01, 0.1, 1]}, seeds: 2, by_seed: false}", 1),
    "two settings": (
        "{optimizer.lr: {log: [0.01, 1], points: 3}, dropout: {linear: [0, 0.2], points: 3}, seeds: 2, extend: 4}",
        1,
    ),
}


@pytest.mark.parametrize("case", SEARCHES)
def test_the_edit_is_valid_as_dense_and_has_the_points_to_try(
    case: str, suggest: Suggest, planned: Callable[..., Plan]
) -> None:
    tune, better = SEARCHES[case]
    made, lines = suggest(tune, lambda label, settings, seed: 0.5 + 1e-4 * better * of_all(settings) + seed / 100)
    others = ", ".join(re.findall(r"(?:seeds|extend): \d|by_seed: false", tune))
    new = edited(lines, planned, f"{{{others}}}")
    for before, after in zip(searches(made.plan), searches(new), strict=True):
        for old, wide in zip(before.settings, after.settings, strict=True):
            for value in old.grid():
                assert any(np.isclose(value, other, rtol=1e-4) for other in wide.grid())  # type: ignore[arg-type]
            assert len(wide.grid()) <= len(old.grid()) + 2 + before.extend
    chosen = made.found.tuning[made.found.tuning["undertuned"]].iloc[0]
    best, wide = json.loads(chosen["settings"]), {one.key: one.grid() for one in searches(new)[0].settings}
    outside = [(key, value) for point in json.loads(chosen["next"]) for key, value in point.items()]
    outside = [(key, value) for key, value in outside if value != best[key]]
    assert outside
    assert all(any(np.isclose(value, other, rtol=1e-4) for other in wide[key]) for key, value in outside)
    runs = sum(tuning(search, 1).runs for search in searches(new)) + 2 * 10
    assert any(line.startswith(f"    all its arms are tuned and trained anew: {runs} runs, ") for line in lines)


def test_a_quasi_random_search_grows_with_its_range(planned: Callable[..., Plan]) -> None:
    plan = planned(STUDY.format(tune="{optimizer.lr: {log: [0.01, 1]}, by_seed: false, search: sobol, trials: 8}"))
    lines = list(wider_search(plan, plan.comparisons[0], [{"optimizer.lr": [10.0]}]))  # half as wide again
    for search in searches(edited(lines, planned, "{}")):
        assert (search.settings[0].log, search.method, search.trials) == ((0.01, 10.0), "sobol", 12)


def test_a_search_that_is_gone_is_said_to_be_so(
    suggest: Suggest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, _ = suggest()
    for search in made.plan.searches:
        made.store.search(search).unlink()
    stored(made.plan, made.found, made.store.root)
    assert main(["suggest", str(tmp_path / "small.yaml"), "--results", str(made.store.root)]) == 0
    out = capsys.readouterr().out
    assert "    how tanh was tuned is not known any more: run the study" in out.splitlines()
    assert "edit:" not in out
