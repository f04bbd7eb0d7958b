"""How long ``check`` says that a study takes here."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from study.__main__ import main
from study.axes.dataset import Dataset, Wine
from study.engine.inputs.data import load
from study.engine.inputs.prepare import prepare as prepare_data
from study.plan.cost import final, sum_up, tuning
from study.plan.file.expand import prepare
from study.plan.jobs import jobs
from study.plan.plan import Plan
from study.run import estimate
from study.run.estimate import Clock, Packs, data_of, packs_of, timing_packs, total
from study.run.timing import WARM_UP, blocks
from study.store.layout import Block, Store
from study.wording import duration
from tests.blocks import leave
from tests.run.conftest import make_recipe

STUDY = """
study: s
baseline: {dataset: wine, network: {name: mlp, hidden: [8]}, optimizer: {name: sgd, lr: 0.1}, batch_size: 32, epochs: 3}
seeds: 4
comparisons:
  a: {vary: {activation: [tanh, relu], schedule: [constant, plateau]}, metrics: [test_loss, step_seconds], TUNE}
  b: {baseline: {stack: false}, vary: {init: [zeros]}, metrics: [test_loss], tune: null, seeds: 1}
"""
TUNE = "tune: {optimizer.lr: {log: [0.1, 1], points: 3}, seeds: 2, extend: 2}"
SIZES = "tune: {batch_size: {values: [8, 50]}, network.hidden: {values: [[4], [6]]}, seeds: 3, by_seed: false}"
CPU = torch.device("cpu")
Checked = Callable[..., list[str]]


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Checked:
    """The lines on time that ``check`` prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(estimate, "SECONDS", 0.2)

    def run(text: str, *more: str) -> list[str]:
        Path("s.yaml").write_text(text, encoding="utf-8")
        assert main(["check", "s.yaml", *more]) == 0
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("Time: ")]

    return run


@pytest.mark.parametrize("tune", ["tune: null", TUNE, SIZES])
def test_check_estimates_the_time(tune: str, checked: Checked) -> None:
    (line,) = checked(STUDY.replace("TUNE", tune), "--gpu", "1")
    assert re.fullmatch(r"Time: about \d+ (seconds|minutes) on 1 core \(CPU\)(; \d+ of \d+ kinds .*)?", line)
    assert checked(STUDY.replace("TUNE", tune), "--no-time") == []


def test_check_is_in_the_order_in_which_it_is_read(checked: Checked, capsys: pytest.CaptureFixture[str]) -> None:
    """What is trained, how long, whether it can decide, doubts."""
    claims = "claims: [{metric: test_loss, better: relu, than: tanh}]}"
    text = STUDY.replace(", schedule: [constant, plateau]", "").replace("seeds: 4", "seeds: 9")
    Path("s.yaml").write_text(text.replace("TUNE}", claims).replace("tune: null, seeds: 1}", "seeds: 1}"))
    assert main(["check", "s.yaml"]) == 0
    starts = ["s.yaml: ", "  a  ", "2 comparisons, ", "In all: ", "Time: ", "1 claim, ", "warning: "]
    lines = iter(capsys.readouterr().out.splitlines())
    assert all(any(line.startswith(start) for line in lines) for start in starts)  # each after those before


def test_check_says_when_not_every_kind_was_timed(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "SECONDS", 0.0)
    (line,) = checked(STUDY.replace("TUNE", TUNE))
    assert re.search(r"; 1 of \d+ kinds of packs were timed, the others judged by these$", line)


def test_nothing_is_timed_where_nothing_is_left_to_do(checked: Checked) -> None:
    text = STUDY.replace("TUNE", "tune: null").replace(", step_seconds", "")
    assert len(checked(text)) == 1
    plan, store = prepare(Path("s.yaml"), Store("results")), Store("results")
    for arm, seeds in plan.seeds.items():
        leave(store, arm, Block(0, seeds - 1))
    assert checked(text) == []


def test_files_too_large_to_be_read_for_it(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"{i / 7},{i % 7},{'ab'[i % 2]}\n" for i in range(60))
    Path("t.csv").write_text(f"x,y,z\n{rows}")
    text = STUDY.replace("TUNE", "tune: null").replace(
        "dataset: wine", "dataset: {name: table, path: t.csv, target: z}"
    )
    assert checked(text)[0].startswith("Time: about ")
    monkeypatch.setattr(estimate, "LARGEST", 10)
    assert checked(text) == ["Time: not known here: table is large, and read when it is prepared"]


def test_a_refused_file_loads_no_torch(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("study: s\n")
    code = "import sys; from study.__main__ import main; print(main(['check', 's.yaml']), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]


@pytest.mark.parametrize("dataset", [Wine(), Wine(split="by_seed")])
def test_what_is_not_prepared_yet_is_read_as_it_will_be(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    known = data_of(dataset, path)
    prepare_data(dataset, path)
    for found, expected in zip(known[:2], load(path)[:2], strict=True):
        assert found == expected
    assert known.train.rows == load(path).train.rows
    assert data_of(dataset, path).train.rows == known.train.rows


@pytest.mark.parametrize("tune", ["tune: null", TUNE, SIZES])
def test_every_run_and_step_is_counted(tune: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(STUDY.replace("TUNE", tune))
    store = Store(tmp_path)
    plan: Plan = prepare(tmp_path / "s.yaml", store)
    rows = dict.fromkeys(plan.datasets, 178 - 2 * 36)  # a fifth, rounded up, is for validation, and one for testing
    packs = [pack for job in jobs(plan, store) for pack in packs_of(job, rows)]
    planned = sum_up(final(plan.arms[arm], runs) for arm, runs in plan.seeds.items()).steps
    planned += sum_up(tuning(search, selections=1) for search in plan.searches.values()).steps
    assert sum(p.runs * p.steps for p in packs) == pytest.approx(planned)
    assert plan.timing
    epoch = 14 if tune == SIZES else 4  # of batches of 8, the first candidate, or of 32
    assert {p.steps for p in timing_packs(plan, store, rows)} == {
        (plan.timing.rounds + len(blocks(plan.timing.rounds))) * (WARM_UP + epoch)
    }
    store.timing(plan.timing.id).parent.mkdir()
    store.timing(plan.timing.id).touch()
    assert list(timing_packs(plan, store, rows)) == []


def test_the_most_work_is_timed_and_the_rest_scaled_by_its_steps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """106 rows: seven steps an epoch in batches of 16, two in batches of 53."""
    monkeypatch.setattr(estimate, "SECONDS", 0.0)
    monkeypatch.setattr(estimate, "step_seconds", lambda *_: 0.5)
    most, least = (
        Packs(make_recipe(batch_size=16, epochs=10), 20, steps=3 * 70),
        Packs(make_recipe(batch_size=53, epochs=4), 5, steps=8),
    )
    data = {most.recipe.dataset_id: data_of(most.recipe.dataset, tmp_path / "none")}
    clock = Clock([least, most], data, CPU, began=0.0)
    assert clock.kinds == [most.kind, least.kind]
    assert clock.seconds([most]) - clock.start == pytest.approx(3 * 70 * 0.5)
    scaled = 8 * 0.5 * (estimate.BESIDE + 5) / (estimate.BESIDE + 20)
    assert clock.seconds([least, most]) - clock.start == pytest.approx(3 * 70 * 0.5 + scaled)


@pytest.mark.parametrize("split", ["fixed", "by_seed"])
@pytest.mark.parametrize("network", [{"name": "mlp"}, {"name": "convnet", "channels": [3, 5]}])
def test_a_step_takes_some_time(split: str, network: dict[str, object], tmp_path: Path) -> None:
    recipe = make_recipe(dataset={"name": "digits", "split": split}, network=network, batch_size=150)
    data = data_of(recipe.dataset, tmp_path / "none")
    assert 0 < estimate.step_seconds(Packs(recipe, 4, steps=1, recipes=2), data, CPU) < 10


def test_jobs_share_the_devices() -> None:
    jobs = [(1, 10.0), (1, 10.0), (2, 20.0)]  # devices, seconds
    assert total(jobs, 1) == 40  # an arm of two devices takes the one that there is
    assert total(jobs, 2) == 30
    assert total([(1, 42.0), (1, 1.0)], 8) == 42


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "5 seconds"), (42, "40 seconds"), (240, "4 minutes"), (9000, "2.5 hours"), (864_000, "10 days")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
