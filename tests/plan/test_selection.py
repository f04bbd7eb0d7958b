"""Ranking, edges and further trials of a search, worked out by hand from docs/statistics.md (Tuning)."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import pytest
from scipy.stats import binomtest

from study.plan.choice import Row, Trial, beats, choose, chosen_by_run, further, rank, score
from study.plan.search import FIRST_SEED, MOST_SEEDS, Search, Searched

LR = Searched(key="optimizer.lr", log=(0.01, 1.0), points=3)
DIVERGED: Row = {"status": "diverged", "val_accuracy": None, "val_loss": None, "steps_to_target": None}


RECIPE = {
    "dataset": {"name": "wine"}, "network": {"name": "mlp"}, "optimizer": {"name": "sgd", "lr": 0.1}, "batch_size": 8,
    "epochs": 1, "regularizer": {"name": "l2"},
}  # fmt: skip


def search(*settings: Searched, **changes: Any) -> Search:
    return Search(**{"recipe": RECIPE, "settings": settings or (LR,), "seeds": 2, "extend": 2} | changes)


def where(searched: Search, trials: list[Trial]) -> tuple[dict[str, str], bool, list[dict[str, Any]]]:
    chosen = choose(searched, trials, "val_accuracy")
    assert chosen is not None
    return chosen.sides, chosen.undertuned, chosen.next


def next_to(searched: Search, trials: list[Trial]) -> list[dict[str, Any]]:
    return further(searched, "val_accuracy", trials)


def finished(**values: float | None) -> Row:
    return DIVERGED | {"status": "finished"} | values


def accuracy(*values: float, loss: float = 1.0) -> list[Row]:
    return [finished(val_accuracy=value, val_loss=loss) for value in values]


def steps(*values: int | None, loss: float = 1.0) -> list[Row]:
    return [finished(val_accuracy=0.5, val_loss=loss, steps_to_target=value) for value in values]


def trials(*outcomes: list[Row], at: tuple[float, ...] = (0.01, 0.1, 1.0)) -> list[Trial]:
    return [Trial({"optimizer.lr": lr}, found) for lr, found in zip(at, outcomes, strict=True)]


def test_the_highest_mean_accuracy_is_best() -> None:
    assert rank(trials(accuracy(0.9, 0.8), accuracy(0.7, 0.95), accuracy(0.9, 0.9)), "val_accuracy") == [2, 0, 1]


def test_the_lowest_mean_loss_is_best() -> None:
    losses = [[finished(val_loss=loss)] for loss in (0.5, 0.2, 0.3)]
    assert rank(trials(*losses), "val_loss") == [1, 2, 0]
    assert score(trials(*losses)[1], "val_loss") == 0.2


def test_ties_go_to_the_lower_loss_and_then_to_the_smaller_setting() -> None:
    # 64 of 108 rows right each, but the means of 20, 20, 24 and of 20, 22, 22 of 36 differ in their last bit.
    uneven, even = [20 / 36, 20 / 36, 24 / 36], [20 / 36, 22 / 36, 22 / 36]
    assert fmean(uneven) < fmean(even)
    same = trials(accuracy(*even, loss=2), accuracy(*even, loss=1), accuracy(*uneven, loss=1), at=(1, 3, 2))
    assert rank(same, "val_accuracy") == [2, 1, 0]


def test_a_candidate_with_a_diverged_seed_ranks_after_all_without() -> None:
    found = trials([DIVERGED, *accuracy(0.99)], accuracy(0.1, 0.1), [DIVERGED, DIVERGED])
    assert rank(found, "val_accuracy") == [1, 0, 2]
    assert [score(trial, "val_accuracy") for trial in found] == [0.99, 0.1, None]


def test_who_diverged_ranks_after_who_never_reached_the_target() -> None:
    assert rank(trials([DIVERGED, *steps(10)], steps(None, None), steps(None, 90)), "steps_to_target") == [2, 1, 0]


def test_steps_count_unreached_first_and_then_the_mean() -> None:
    found = trials(steps(10, None), steps(90, 80), steps(85, 83))
    assert rank(found, "steps_to_target") == [2, 1, 0]
    assert [score(trial, "steps_to_target") for trial in found] == [10, 85, 84]


def test_who_never_reaches_the_target_is_ranked_by_loss() -> None:
    assert rank(trials(steps(None, None, loss=2), steps(None, None, loss=1), steps(None, 50)), "steps_to_target") == [
        2,
        1,
        0,
    ]


BEATS = [
    (accuracy(0.9, 0.9), accuracy(0.8, 0.89), True),  # all seeds agree
    (accuracy(0.9, 0.9), accuracy(0.9, 0.89), False),  # a tie is no agreement; 0.005 is one standard error
    (accuracy(0.9, 0.9, 0.9, 0.8), accuracy(0.8, 0.81, 0.8, 0.81), True),  # mean 0.07, error 0.0268
    (accuracy(0.9, 0.9, 0.9), accuracy(0.89, 0.88, 0.9), False),  # mean 0.01, error 0.0058
    (accuracy(0.9, 0.9), [DIVERGED, DIVERGED], True),
    (accuracy(0.9, 0.9), [DIVERGED, *accuracy(0.95)], False),
]


@pytest.mark.parametrize(("better", "worse", "expected"), BEATS)
def test_beyond_doubt_is_two_standard_errors_or_all_seeds(better: list[Row], worse: list[Row], expected: bool) -> None:
    assert beats(Trial({}, better), Trial({}, worse), "val_accuracy") is expected


def test_the_best_on_an_edge_is_undertuned_where_it_beats_its_neighbour() -> None:
    sides, undertuned, following = where(search(), trials(accuracy(0.5, 0.5), accuracy(0.7, 0.7), accuracy(0.9, 0.9)))
    assert (sides, undertuned) == ({"optimizer.lr": "high"}, True)
    assert following == [{"optimizer.lr": 10.0}, {"optimizer.lr": 100.0}]
    sides, undertuned, following = where(search(), trials(accuracy(0.9, 0.9), accuracy(0.7, 0.7), accuracy(0.5, 0.5)))
    assert (sides, following) == ({"optimizer.lr": "low"}, [{"optimizer.lr": 0.001}, {"optimizer.lr": 0.0001}])


def test_the_best_on_an_edge_that_is_level_is_not_undertuned() -> None:
    sides, undertuned, following = where(search(), trials(accuracy(0.5, 0.5), accuracy(0.9, 0.8), accuracy(0.8, 0.92)))
    assert (sides, undertuned, following) == ({"optimizer.lr": "high"}, False, [])


@pytest.mark.parametrize(
    ("runs", "at_edge", "expected"), [(16, 12, True), (16, 11, False), (8, 7, True), (8, 6, False), (3, 3, True)]
)
def test_by_seed_an_arm_is_undertuned_where_most_runs_chose_the_edge(runs: int, at_edge: int, expected: bool) -> None:
    """By the exact binomial test that more than half of all runs would: 12 of 16 have p = 0.038, 11 of 16 0.105."""
    seeds = [FIRST_SEED + MOST_SEEDS * run for run in range(runs)]
    inner = [0.8] * at_edge + [0.9] * (runs - at_edge)
    levels = ([0.5] * runs, inner, [0.89] * runs)
    outcomes = ([row | {"seed": seed} for row, seed in zip(accuracy(*level), seeds, strict=True)] for level in levels)
    made = trials(*outcomes)
    each = search(by_seed=True, seeds=1, extend=0)
    assert [one["optimizer.lr"] for one in chosen_by_run(each, made, "val_accuracy")].count(1.0) == at_edge
    assert where(each, made)[:2] == ({"optimizer.lr": "high"}, expected)
    assert bool(binomtest(at_edge, runs, alternative="greater").pvalue <= 0.05 or runs == at_edge) == expected


def of_runs(at: tuple[float, ...], losses: list[list[float]]) -> list[Trial]:
    """Validation losses of each candidate, by run; accuracies are the same."""
    seeds = [FIRST_SEED + MOST_SEEDS * run for run in range(len(losses[0]))]
    outcomes = ([finished(val_loss=x, val_accuracy=0.9, seed=s) for x, s in zip(one, seeds, strict=True)]
                for one in losses)  # fmt: skip
    return trials(*outcomes, at=at)


def test_by_seed_one_outlier_in_the_mean_does_not_hide_the_edge_that_runs_chose() -> None:
    """What the project of ``evenhand new`` came to, when its range ended at 1."""
    inner = [0.4316, 0.4115, 0.3902, 0.4107, 0.4011, 0.4366, 0.4530, 0.3844]
    edge = [0.3197, 0.2580, 0.1974, 0.3338, 0.1741, 1.4293, 0.4115, 0.2007]
    made = of_runs((0.01, 0.1, 1.0), [[0.45] * 8, inner, edge])
    chosen = choose(search(by_seed=True, seeds=1, extend=0), made, "val_loss")
    assert chosen is not None
    assert chosen.settings == {"optimizer.lr": 0.1}  # by the mean over all seeds
    assert chosen.edge == {"optimizer.lr": 1.0}
    assert chosen.undertuned
    assert chosen.next == [{"optimizer.lr": 10.0}, {"optimizer.lr": 100.0}]


def test_by_seed_a_plateau_is_at_the_edge_but_not_undertuned() -> None:
    level = of_runs((0.01, 0.1, 1.0), [[0.9] * 8, [0.5] * 8, [0.49] * 5 + [0.51] * 3])
    chosen = choose(search(by_seed=True, seeds=1, extend=0), level, "val_loss")
    assert chosen is not None
    assert (chosen.sides, chosen.undertuned, chosen.next) == ({"optimizer.lr": "high"}, False, [])
    few = of_runs((0.01, 0.1, 1.0), [[0.9] * 8, [0.5] * 8, [0.4] * 3 + [0.51] * 5])
    chosen = choose(search(by_seed=True, seeds=1, extend=0), few, "val_loss")
    assert chosen is not None
    assert chosen.sides == {}  # though it has the best mean
    assert chosen.settings == {"optimizer.lr": 1.0}


def test_by_seed_runs_at_one_edge_may_differ_in_other_settings() -> None:
    strength = Searched(key="regularizer.strength", log=(0.001, 0.1), points=3)
    tune, run = search(LR, strength, by_seed=True, seeds=1, extend=0), range(8)
    best = [{"optimizer.lr": 1.0, "regularizer.strength": 0.01 if seed < 4 else 0.001} for seed in run]
    made = []
    for point in tune.grid():
        losses = [0.1 if point == best[seed] else 0.5 for seed in run]
        rows = [finished(val_loss=loss, seed=FIRST_SEED + MOST_SEEDS * seed) for seed, loss in enumerate(losses)]
        made.append(Trial(point, rows))
    chosen = choose(tune, made, "val_loss")
    assert chosen is not None
    assert chosen.sides == {"optimizer.lr": "high", "regularizer.strength": "low"}
    assert [point["optimizer.lr"] for point in chosen.next] == [10.0, 100.0]


@pytest.mark.parametrize(("lower", "expected"), [(7, True), (6, False)])
def test_by_seed_the_loss_of_most_runs_tells_where_accuracies_cannot(lower: int, expected: bool) -> None:
    """Half of the runs chose the edge by accuracy."""
    made = of_runs((0.01, 0.1, 1.0), [[2.4] * 8, [2.3] * 8, [2.2] * lower + [2.35] * (8 - lower)])
    for trial, ahead in zip(made, (range(0), range(0, 8, 2), range(1, 8, 2)), strict=True):
        for run in ahead:
            trial.rows[run]["val_accuracy"] = 0.91
    chosen = choose(search(by_seed=True, seeds=1, extend=0), made, "val_accuracy")
    assert chosen is not None
    assert (chosen.sides, chosen.undertuned) == ({"optimizer.lr": "high"}, expected)


def with_losses(level: float, *losses: float) -> list[Row]:
    return [row | {"val_loss": loss} for row, loss in zip(accuracy(*[level] * 2), losses, strict=True)]


@pytest.mark.parametrize(("level", "expected"), [(0.1, True), (1.0, False)], ids=["chance", "nothing better"])
def test_the_loss_tells_where_accuracies_are_all_the_same_and_could_be_better(level: float, expected: bool) -> None:
    falling = trials(*(with_losses(level, loss, loss + 0.1) for loss in (2.3, 2.2, 2.1)))
    sides, undertuned, _ = where(search(), falling)
    assert (sides, undertuned) == ({"optimizer.lr": "high"}, expected)


def test_a_candidate_past_one_edge_may_lie_on_another() -> None:
    strength = Searched(key="regularizer.strength", log=(0.001, 0.1), points=3)
    tune = search(LR, strength)
    grid = [Trial(point, accuracy(*[0.5 + point["regularizer.strength"]] * 2)) for point in tune.grid()]
    past = Trial({"optimizer.lr": 10.0, "regularizer.strength": 0.1}, accuracy(0.9, 0.9))
    assert where(tune, [*grid, past])[0] == {"optimizer.lr": "high", "regularizer.strength": "high"}


def test_an_inner_best_and_an_end_of_the_setting_itself_are_no_edge() -> None:
    assert where(search(), trials(accuracy(0.5), accuracy(0.9), accuracy(0.8))) == ({}, False, [])
    best_is_0 = [Trial({"dropout": rate}, accuracy(mean, mean)) for rate, mean in ((0.0, 0.9), (0.25, 0.8), (0.5, 0.7))]
    dropout = Searched(key="dropout", linear=(0.0, 0.5), points=3)
    assert where(search(dropout), best_is_0) == ({}, False, [])


def test_the_neighbour_of_a_refined_edge_is_the_nearest() -> None:
    found = trials(
        accuracy(0.5, 0.5), accuracy(0.7, 0.7), accuracy(0.9, 0.9), accuracy(0.91, 0.89), at=(0.01, 0.1, 1, 0.3)
    )
    assert where(search(), found)[1] is False


def test_a_product_has_an_edge_for_each_setting() -> None:
    strength = Searched(key="regularizer.strength", log=(0.001, 0.1), points=3)
    tune = search(LR, strength)
    best = {"optimizer.lr": 0.1, "regularizer.strength": 0.1}
    found = [Trial(point, accuracy(0.9, 0.9) if point == best else accuracy(0.5, 0.4)) for point in tune.grid()]
    sides, _, following = where(tune, found)
    assert sides == {"regularizer.strength": "high"}
    assert following == [best | {"regularizer.strength": 1.0}, best | {"regularizer.strength": 10.0}]
    assert next_to(tune, found) == [best | {"regularizer.strength": 1.0}]


def test_an_edge_is_that_of_the_best_candidates_own_line() -> None:
    strength = Searched(key="regularizer.strength", log=(0.001, 0.1), points=3)
    tune = search(LR, strength)
    best = {"optimizer.lr": 1.0, "regularizer.strength": 0.01}
    elsewhere = {"optimizer.lr": 10.0, "regularizer.strength": 0.1}
    points = [*tune.grid(), elsewhere]
    found = [Trial(point, accuracy(0.9, 0.9) if point == best else accuracy(0.5, 0.4)) for point in points]
    assert where(tune, found)[0] == {"optimizer.lr": "high"}
    scattered = search(LR, strength, method="sobol", trials=10)
    assert where(scattered, found)[0] == {}


def test_listed_values_are_extrapolated_but_not_extended() -> None:
    sizes = Searched(key="batch_size", values=(4, 8, 16), whole=True)
    found = [Trial({"batch_size": size}, accuracy(size / 100, size / 100)) for size in (4, 8, 16)]
    assert where(search(sizes), found)[2] == [{"batch_size": 32}, {"batch_size": 64}]
    assert next_to(search(sizes), found) == []


def test_an_edge_is_extended_and_an_inner_best_halved_on_both_sides() -> None:
    rising = trials(accuracy(0.5), accuracy(0.7), accuracy(0.9))
    assert next_to(search(), rising) == [{"optimizer.lr": 10.0}]
    inner = trials(accuracy(0.5), accuracy(0.9), accuracy(0.7))
    assert next_to(search(), inner) == [
        {"optimizer.lr": pytest.approx(0.1 / 10**0.5)},
        {"optimizer.lr": pytest.approx(0.1 * 10**0.5)},
    ]
    dropout = Searched(key="dropout", linear=(0.0, 0.8), points=3)  # whose next step, to 1.2, is none
    best_is_highest = [Trial({"dropout": rate}, accuracy(rate)) for rate in (0.0, 0.4, 0.8)]
    assert next_to(search(dropout), best_is_highest) == [{"dropout": pytest.approx(0.6)}]


def test_where_the_best_has_no_room_the_next_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "possible", lambda self, point: 2 <= point["batch_size"] <= 8)
    sizes = Searched(key="batch_size", linear=(2, 8), points=3, whole=True)  # 2, 5, 8
    tried = {2: 0.5, 5: 0.7, 8: 0.8, 3: 0.9, 4: 0.6}
    found = [Trial({"batch_size": size}, accuracy(mean)) for size, mean in tried.items()]
    # 3 is fenced in by 2 and 4; 8 has 6 or 7 towards 5, which rounds to even.
    assert next_to(search(sizes), found) == [{"batch_size": 6}]
    everything = dict.fromkeys(range(2, 9), 0.5)
    found = [Trial({"batch_size": size}, accuracy(mean)) for size, mean in everything.items()]
    assert next_to(search(sizes), found) == []


def test_nothing_is_chosen_where_every_seed_of_every_candidate_diverged() -> None:
    assert choose(search(), trials(*[[DIVERGED, DIVERGED]] * 3), "val_accuracy") is None
    one = choose(search(), trials([DIVERGED, DIVERGED], [DIVERGED, *accuracy(0.1)], at=(0.01, 0.1)), "val_accuracy")
    assert one is not None
    assert one.settings == {"optimizer.lr": 0.1}
