"""``evenhand watch``, on stores whose records are made up: what it says, when it ends, and that it changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from study.__main__ import main
from study.plan.history import Freshness
from study.plan.jobs import SearchUnit
from study.plan.limits import Limits
from study.plan.workflow.dag import Dag
from study.plan.workflow.messages import end
from study.run.attempt import Attempt
from study.store.files import alone, write_parquet
from study.store.layout import Block, Store
from study.store.schemas import CURVES, RUNS

STUDY = """
study: small
title: Four activations
baseline: {dataset: digits, network: {name: mlp, hidden: [8]}, optimizer: {name: sgd, lr: 0.1}, batch_size: 32,
           epochs: 2}
seeds: 4
comparisons:
  functions:
    vary: {activation: [tanh, relu, gelu, elu]}
    metrics: [test_accuracy]
"""
TUNED = """  rates:
    vary: {activation: [relu]}
    tune: {optimizer.lr: {log: [0.01, 1], points: 3}, seeds: 2, by_seed: false, extend: 0}
    metrics: [test_accuracy]
"""
Look = Callable[..., list[str]]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Look:
    """The lines that one look prints, in a folder that holds s.yaml."""
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(STUDY, encoding="utf-8")

    def run(*options: str) -> list[str]:
        capsys.readouterr()
        assert main(["watch", "s.yaml", *(options or ["--once"])]) == 0
        return capsys.readouterr().out.splitlines()

    return run


def begun(text: str = STUDY) -> Dag:
    """As Snakemake begins."""
    Path("s.yaml").write_text(text, encoding="utf-8")
    return Dag.build({"study": "s.yaml"}, Limits(gpu=1))


def filled(store: Store, arm: str, block: Block, curves: Sequence[Sequence[float]]) -> None:
    """Records whose validation accuracies are ``curves``, of each seed."""
    rows = [
        {"arm": arm, "seed": seed, "epoch": float(epoch), "step": epoch, "val_accuracy": value}
        for seed, curve in zip(block.seeds, curves, strict=True)
        for epoch, value in enumerate(curve)
    ]
    write_parquet(pa.Table.from_pylist(rows, CURVES), store.curves(arm, block))
    runs = [{"arm": arm, "seed": seed, "status": "finished"} for seed in block.seeds]
    write_parquet(pa.Table.from_pylist(runs, RUNS), store.runs(arm, block))


def interrupted(seconds: float) -> None:
    raise KeyboardInterrupt


def contents() -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in Path("results").rglob("*") if path.is_file()}


def test_before_a_study_begins_it_says_how_to(look: Look) -> None:
    [line] = look()
    assert re.fullmatch(r"s.yaml: not begun in results/; it begins with: .* run s.yaml", line)
    assert not Path("results").exists()


def test_what_is_there_runs_failed_and_is_left(look: Look) -> None:
    dag = begun()
    store, arms = dag.store, {arm.label: arm.arm for arm in dag.plan.comparisons[0].arms}
    [job] = dag.jobs.values()
    filled(store, arms["tanh"], Block(0, 1), [[0.5, 0.7, 0.9], [0.1, 0.5, 0.9]])
    filled(store, arms["tanh"], Block(2, 3), [[0.3, 0.6, 0.9], [0.3, 0.6, 0.5]])
    note = store.failed(arms["gelu"], Block(0, 3))
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text('{"reason": "RuntimeError: no good", "log": "its.log"}')
    log = store.log("job", job.id)
    log.parent.mkdir(parents=True)
    words = "8 of 16 runs, about 3 min left; 8 runs at step 20 of 80, median validation accuracy 0.61"
    log.write_text(f"host here\njob {job.id}: 2 of 16 runs, about 9 min left\njob {job.id}: {words}\n4 runs, CPU: …\n")
    [relu] = [unit for unit in job.blocks if unit.arm.id == arms["relu"]]
    with Attempt(*relu.marks(store), log):
        before = contents()
        lines = look()
        assert contents() == before  # the mark too
    # Means over the four runs: 0.3, 0.6, 0.8; heights are those of all curves shown.
    assert lines[:3] == [
        "s.yaml: Four activations",
        "functions: 4 of 16 runs; validation accuracy, mean of the runs:",
        "  tanh  4 of 4 runs  ▁▅█ 80.0 %",
    ]
    assert lines[3:6] == ["  relu  0 of 4 runs  running", "  gelu  0 of 4 runs  failed", "  elu   0 of 4 runs"]
    assert lines[6:8] == [
        "1 failure:",
        f"  functions, gelu ({arms['gelu']}), seeds 0-3: RuntimeError: no good (log: its.log)",
    ]
    assert lines[8] == "1 job running:"
    where = rf"  job {job.id} \([^ ]+, since \d\d:\d\d\): functions, relu \({arms['relu']}\), seeds 0-3"
    assert re.fullmatch(where, lines[9])
    assert lines[10] == f"    {words}"
    assert lines[11] == "left: about 3 minutes of training with 1 job at a time"
    assert len(lines) == 12
    *_, left, last = look()
    assert re.fullmatch(
        r"left: how long is not known yet, as some of it never ran here; to time it: .* check s.yaml", left
    )
    assert re.fullmatch(
        r"now: nothing is training, or not yet; unless it runs already, go on with: .* run s.yaml", last
    )


def test_what_is_left_is_told_by_receipts_and_by_what_a_job_says(look: Look) -> None:
    dag = begun()
    store, [job] = dag.store, dag.jobs.values()

    def left() -> str:
        [line] = [line for line in look() if line.startswith("left: ")]
        return line

    about = {"runs": 1, "steps": 1, "seconds": 30.0, "resumed": False}
    packs = [about | {"pace": pace} for pace in {unit.arm.outline.pace for unit in job.blocks}]
    store.receipt("0" * 12).write_text(json.dumps({"packs": packs}))
    hours = 16 * 2 * 34 * 30 / 3600  # 1,078 training rows in batches of 32
    assert left() == f"left: about {hours:.2g} hours of training"
    log = store.log("job", job.id)
    log.parent.mkdir(parents=True)
    log.write_text(f"job {job.id}: 12 of 16 runs, about 2.6 h left\n")
    with Attempt(*job.blocks[0].marks(store), log):
        assert left() == "left: about 2.6 hours of training with 1 job at a time"


def test_searches_and_the_scripts_of_a_run_say_how_far_they_are(look: Look) -> None:
    dag = begun(STUDY + TUNED)
    store = dag.store
    [search] = dag.plan.searches.values()
    unit = SearchUnit(search=search, selections=())
    run = store.scripts(unit.name) / "0123456789ab-7"
    run.mkdir(parents=True)
    (run / "log-0000.jsonl").write_text('{"epoch": 1, "val_accuracy": 0.25}\n{"epoch": 2, "val_accuracy": 0.5}\n{"ep')
    log = store.log("job", "0" * 12)
    with Attempt(*unit.marks(store), log):
        text = "\n".join(look())
    [arm] = [arm.arm for arm in dag.plan.comparisons[1].arms]
    assert "rates: 0 of 4 runs, 0 of 1 search\n  relu  0 of 4 runs  0 of 1 search  running" in text
    assert f": tuning of rates, relu ({arm})\n    seed 7: epoch 2, val_accuracy 0.5\n" in text


def test_a_damaged_file_stays_where_it_is(look: Look) -> None:
    dag = begun()
    arm = dag.plan.comparisons[0].arms[0].arm
    filled(dag.store, arm, Block(0, 3), [[0.5], [0.5], [0.5], [0.5]])
    dag.store.curves(arm, Block(0, 3)).write_bytes(b"PAR1 nothing PAR1")
    before = contents()
    assert "  tanh  4 of 4 runs" in look()
    assert contents() == before


def test_a_job_that_was_killed_has_failed(look: Look) -> None:
    dag = begun()
    [job] = dag.jobs.values()
    mark, _ = job.blocks[0].marks(dag.store)
    mark.parent.mkdir(parents=True, exist_ok=True)
    with Attempt(mark, mark.with_name("none"), Path("its.log")):
        about = json.loads(mark.read_text())
    mark.write_text(json.dumps(about | {"born": "never"}))
    lines = look()
    assert "  tanh  0 of 4 runs  failed" in lines
    assert any(", seeds 0-3: killed: " in line for line in lines)
    assert not any("running" in line for line in lines)


def test_runs_that_one_signal_interrupted_together_are_one_line(look: Look) -> None:
    dag = begun()
    [job] = dag.jobs.values()
    first = dag.plan.names[job.blocks[0].arm.id]
    for unit in job.blocks:
        _, failed = unit.marks(dag.store)
        failed.parent.mkdir(parents=True, exist_ok=True)
        failed.write_text('{"reason": "Interrupted: SIGTERM after step 967", "log": "its.log"}')
    lines = look()
    at = lines.index("interrupted:")
    assert lines[at + 1] == f"  {first}, seeds 0-3 and 3 more: SIGTERM after step 967 (log: its.log)"
    assert not any("fail" in line for line in lines)
    assert end(dag) == [
        f"INTERRUPTED {first}, seeds 0-3 and 3 more: SIGTERM after step 967 (log: its.log)",
        "The same command again does only what is missing.",
    ]


def test_it_looks_again_until_all_is_there_and_prints_what_changed(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    dag = begun()
    arms = [arm.arm for arm in dag.plan.comparisons[0].arms]

    def steps() -> Iterator[None]:
        yield  # nothing is new
        for arm in arms:
            filled(dag.store, arm, Block(0, 3), [[0.5]] * 4)
            yield
        (dag.folder / "report.html").touch()  # of none of them
        yield
        Freshness(dag.plan, dag.store).expect(dag.cached)
        drawn = json.loads((dag.folder / "records.json").read_text())["contents"]
        (dag.folder / "history.json").write_text(json.dumps({"claims": {}, "looks": {}, "drawn": drawn}))
        yield  # Snakemake has taken the tables away
        with alone(dag.folder):
            yield
        for path in dag.store.tables(dag.plan.study):
            path.touch()
        yield
        (dag.folder / "report.html").touch()
        with alone(dag.folder):
            yield
        yield

    said, left = list[float](), steps()

    def sleep(seconds: float) -> None:
        said.append(seconds)
        next(left)

    monkeypatch.setattr("time.sleep", sleep)
    lines = look("--every", "0.5")
    assert said == [0.5] * 11
    assert [line for line in lines if line.startswith("functions: ")] == [
        f"functions: {runs} of 16 runs" + "; validation accuracy, mean of the runs:" * (runs > 0)
        for runs in (0, 4, 8, 12, 16)
    ]
    assert lines[-1] == "All is done. Report: results/studies/small/report.html"
    said = [line.partition("; unless")[0] for line in lines if line.startswith("now: the report")]
    old = "; results/studies/small/report.html shows an earlier state"
    assert said[:2] == ["now: the report is still to be drawn", f"now: the report is still to be drawn{old}"]
    assert f"now: the report is being drawn{old}" in said


def test_who_looks_ends_it_without_a_fuss(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", interrupted)
    assert len(look("--every", "3")) == 1


@pytest.mark.parametrize("every", ["0", "-1", "nan"])
def test_a_wrong_interval_is_refused(look: Look, every: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "s.yaml", "--every", every]) == 2
    assert capsys.readouterr().err == f"--every: {every} is refused; give a number of seconds above 0\n"


def test_a_terminal_shows_as_much_as_there_is_room_for(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    begun()
    monkeypatch.setattr("time.sleep", interrupted)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "4")
    end = ["s.yaml: Four activa…", "… 6 lines for which…", "now: nothing is tra…"]
    assert look("--every", "3") == end
    assert len(look()) == 8  # once, and in the end, it is all there
