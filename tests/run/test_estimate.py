"""How long ``check`` says that a study takes here."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from study.__main__ import main
from study.axes.dataset import BreastCancer, Dataset, Diabetes, Digits, Idx, Wine
from study.engine import data
from study.plan.cost import final, sum_up, tuning
from study.plan.file.read import prepare
from study.plan.plan import Plan
from study.run import estimate, mockup
from study.run.estimate import duration, total
from study.run.loads import Job, to_do
from study.run.mockup import Form
from study.store.layout import Block, Store

STUDY = """
study: s
baseline: {dataset: wine, network: {name: mlp, hidden: [8]}, optimizer: {name: sgd, lr: 0.1}, batch_size: 32, epochs: 3}
seeds: 4
comparisons:
  a: {vary: {activation: [tanh, relu], schedule: [constant, plateau]}, metrics: [test_loss, step_seconds], TUNE}
  b: {baseline: {stack: false}, vary: {init: [zeros]}, metrics: [test_loss], tune: null, seeds: 1}
"""
TUNE = "tune: {optimizer.lr: {log: [0.1, 1], points: 3}, seeds: 2, extend: 2}"
SIZES = "tune: {batch_size: {values: [8, 50]}, network.hidden: {values: [[4], [6]]}, seeds: 3, extend: 0}"
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


def test_check_says_when_not_every_kind_was_timed(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "SECONDS", 0.0)
    (line,) = checked(STUDY.replace("TUNE", TUNE))
    assert re.search(r"; 1 of \d+ kinds of packs were timed, the others judged by these$", line)


def test_nothing_is_timed_where_nothing_is_left_to_do(checked: Checked) -> None:
    text = STUDY.replace("TUNE", "tune: null").replace(", step_seconds", "")
    assert len(checked(text)) == 1
    plan, store = prepare(Path("s.yaml"), Store("results")), Store("results")
    for arm, seeds in plan.seeds.items():
        store.arm(arm).mkdir(parents=True)
        for path in (store.runs(arm, Block(0, seeds - 1)), store.curves(arm, Block(0, seeds - 1))):
            path.touch()
    assert checked(text) == []


def test_files_too_large_to_be_read_for_it(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(40))
    Path("t.csv").write_text(f"x,y,z\n{rows}")
    text = STUDY.replace("TUNE", "tune: null").replace(
        "dataset: wine", "dataset: {name: table, path: t.csv, target: z}"
    )
    assert checked(text)[0].startswith("Time: about ")
    monkeypatch.setattr(mockup, "LARGEST", 10)
    assert checked(text) == [
        "Time: not known here: table is read when it is prepared, and its shape is not known before"
    ]


def test_a_refused_file_loads_no_torch(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("study: s\n")
    code = "import sys; from study.__main__ import main; print(main(['check', 's.yaml']), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]


@pytest.mark.parametrize("dataset", [Digits(), BreastCancer(), Wine(), Diabetes()])
def test_the_shape_of_a_dataset_is_that_of_its_data(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    known = Form.of(dataset, path)
    data.prepare(dataset, path)
    loaded = data.load(path)
    assert Form.of(dataset, path) == known
    assert (known.task, known.shape, known.outputs) == (loaded.task, loaded.shape, loaded.outputs)
    assert known.rows == len(loaded.train.x)
    assert known.all_rows == sum(len(split.x) for split in (loaded.train, loaded.val, loaded.test))


def test_the_shape_of_files_with_a_test_split(tmp_path: Path) -> None:
    import numpy as np

    for name, rows in (("train", 23), ("t10k", 9)):
        images = np.zeros((rows, 4, 5), np.uint8)
        labels = np.arange(rows, dtype=np.uint8) % 3
        head = b"\0\0\x08" + bytes([3]) + b"".join(n.to_bytes(4, "big") for n in images.shape)
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(head + images.tobytes())
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(
            b"\0\0\x08\x01" + rows.to_bytes(4, "big") + labels.tobytes()
        )
    form = Form.of(Idx(path=str(tmp_path)), tmp_path / "none")
    assert form == ("classification", (1, 4, 5), 3, 18, 32)  # a fifth of 23 training rows, rounded up, validates


@pytest.mark.parametrize("tune", ["tune: null", TUNE, SIZES])
def test_every_run_and_step_is_counted(tune: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(STUDY.replace("TUNE", tune))
    store = Store(tmp_path)
    plan: Plan = prepare(tmp_path / "s.yaml", store)
    forms = {i: Form.of(dataset, store.dataset(i)) for i, dataset in plan.datasets.items()}
    jobs = list(to_do(plan, store, plan.missing(store), forms))
    assert plan.timing
    (timing,) = (job for job in jobs if not job.arm)
    counted = sum(load.times * load.kind.runs * load.steps for job in jobs if job.arm for load in job.loads)
    planned = sum_up(final(plan.arms[arm], runs) for arm, runs in plan.seeds.items()).steps
    planned += sum_up(tuning(arm, arm.tune) for arm in plan.arms.values() if arm.tune).steps
    assert counted == planned
    assert len([job for job in jobs if job.arm]) == len(plan.arms) + sum(bool(arm.tune) for arm in plan.arms.values())
    assert {load.times for load in timing.loads} == {plan.timing.rounds}


def test_jobs_share_the_devices_but_for_the_timing() -> None:
    jobs = [(Job("a", 1, []), 10.0), (Job("b", 1, []), 10.0), (Job("c", 2, []), 20.0), (Job("", 1, []), 7.0)]
    assert total(jobs, 1) == 47  # an arm of two devices takes the one that there is
    assert total(jobs, 2) == 37
    assert total([(Job("a", 1, []), 30.0), (Job("a", 1, []), 12.0), (Job("b", 1, []), 1.0)], 8) == 42  # tuned first


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "5 seconds"), (42, "40 seconds"), (240, "4 minutes"), (9000, "2.5 hours"), (864_000, "10 days")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
