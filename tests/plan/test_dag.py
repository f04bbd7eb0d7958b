"""How many devices jobs may hold: the default, and what is refused before anything is trained."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.__main__ import main
from study.errors import Refused
from study.plan.limits import Limits
from study.plan.plan import Plan
from study.plan.workflow.dag import Dag
from study.plan.workflow.messages import Shortened, end, start
from study.store.layout import Block
from study.store.seal import ARRAYS
from tests.blocks import leave
from tests.plan.conftest import write
from tests.plan.tuned import tuned

Build = Callable[..., Dag]


@pytest.fixture
def build(study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """A study with arms of 1, 2 and 4 devices, on a machine with ``gpus`` GPUs."""
    monkeypatch.chdir(tmp_path)
    study["comparisons"] = {"speed": {"vary": {"gpus": [1, 2, 4]}, "metrics": ["test_accuracy"]}}

    def run(limits: Limits, gpus: int = 0, config: Mapping[str, Any] = {}, metric: str = "test_accuracy") -> Dag:
        monkeypatch.setattr("study.plan.limits.visible", lambda: [f"GPU-{n}" for n in range(gpus)])
        monkeypatch.setattr("study.plan.workflow.messages.visible", lambda: [f"GPU-{n}" for n in range(gpus)])
        study["comparisons"]["speed"]["metrics"] = [metric]
        write(study, Path("s.yaml"))
        return Dag.build({"study": "s.yaml", **config}, limits)

    return run


def finish(dag: Dag, gpus: int) -> None:
    """Leave the records of the arm of ``gpus`` devices."""
    [arm] = [name for name, arm in dag.plan.arms.items() if arm.gpus == gpus]
    leave(dag.store, arm, Block(0, dag.plan.seeds[arm] - 1))


@pytest.mark.parametrize(
    ("limits", "gpus", "reason"),
    [
        (Limits(gpu=2), 0, "needs 4 devices and --resources gpu=2 allows 2; give gpu=4"),
        (Limits(gpu=1), 8, "(and 1 more arm) needs 4 devices and --resources gpu=1 allows 1; give gpu=4"),
        (Limits(gpu=2, cluster=True), 0, "needs 4 devices and --resources gpu=2 allows 2; give gpu=4"),
        (Limits(gpu=4), 2, "needs 4 GPUs and 2 can be used here"),
        (Limits(), 3, "needs 4 GPUs and 3 can be used here"),
    ],
)
def test_an_arm_that_needs_more_devices_is_refused(build: Build, limits: Limits, gpus: int, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        build(limits, gpus)
    [line] = refused.value.lines
    assert line.startswith("speed, gpus=4 (")
    assert reason in line
    assert not os.path.exists("results/studies")


def test_all_is_done_once_every_run_and_the_page_are_there(build: Build) -> None:
    dag = build(Limits(gpu=4))
    dag.folder.joinpath("report.html").touch()
    for receipt in dag.to_do:
        Path(receipt).touch()
    for gpus in (1, 2, 4):
        assert not dag.is_done
        finish(dag, gpus)
    assert dag.is_done
    Path(dag.to_do[0]).unlink()
    assert not dag.is_done
    assert end(dag)[-1] == f"Report: {dag.folder / 'report.html'}"  # the table that says how much of it is gone


def test_what_jobs_read_is_asked_for_only_where_it_is_not_there(build: Build) -> None:
    def wanted() -> list[str]:
        dag = build(Limits(gpu=4))
        return [*{path for job in dag.jobs for path in dag.datasets(job)}]

    [path] = wanted()
    Path(path).parent.mkdir()
    np.savez(path, **dict.fromkeys(ARRAYS, np.zeros(3)))
    assert wanted() == []
    Path(path).write_bytes(Path(path).read_bytes()[:-1])  # it is set aside, and prepared in the same call
    assert wanted() == [path]
    assert Path(f"{path}.damaged").exists()


@pytest.mark.parametrize(
    ("limits", "gpus", "expected"),
    [
        (Limits(gpu=4), 4, 4),
        (Limits(), 8, 8),  # all that there are
        (Limits(cores=2), 0, 4),  # the largest arm must fit,
        (Limits(cores=16), 0, 16),  # and every core is used
        (Limits(gpu=5, cores=2), 0, 5),
    ],
)
def test_how_many_devices_jobs_share(build: Build, limits: Limits, gpus: int, expected: int) -> None:
    dag = build(limits, gpus)
    assert dag.gpu_limit == dag.timing_gpus == expected
    assert (f"jobs share {expected} devices." in start(dag)) == (limits.gpu is None)


def test_a_cluster_is_not_limited_by_this_machine(build: Build) -> None:
    dag = build(Limits(cluster=True), gpus=1, metric="step_seconds")
    assert (dag.timing_gpus, dag.timing_threads) == (4, 4)
    assert start(dag, "slurm").startswith("Training and timing are submitted as jobs (slurm)")


def test_what_is_there_already_needs_no_device(build: Build) -> None:
    finish(build(Limits(gpu=4)), 4)
    assert build(Limits(gpu=2)).gpu_limit == 2
    with pytest.raises(Refused, match=r"gpus=2 \(.*needs 2 devices"):
        build(Limits(gpu=1))
    with pytest.raises(Refused, match=r"gpus=4 \(.*needs 4 devices"):  # a time is wanted, of all arms
        build(Limits(gpu=2), metric="step_seconds")


def test_cached_refuses_nothing(build: Build) -> None:
    assert build(Limits(gpu=1), gpus=1, config={"cached": "true"}, metric="step_seconds").to_do == []


def test_inside_a_job_no_limit_counts(build: Build) -> None:
    build(Limits(gpu=4), metric="step_seconds")
    dag = Dag.build({"study": "s.yaml"}, Limits(gpu=1, cores=1), main=False)
    assert (dag.timing_gpus, max(arm.gpus for arm in dag.plan.arms.values())) == (4, 4)


def put(path: Path, reason: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{"reason": "{reason}", "log": "its.log"}}', encoding="utf-8")


def test_a_search_that_failed_is_one_line_whoever_waits_for_it(
    study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tuned(study, metrics=["test_accuracy", "test_loss"]), Path("s.yaml"))
    dag = Dag.build({"study": "s.yaml"}, Limits(gpu=1))
    first, second = dag.plan.searches
    waiting = [arm for arm in dag.plan.arms.values() if arm.search and arm.search.id == first]
    assert len(waiting) == 2
    put(dag.store.failed_search(first), "KeyError: 0")
    *lines, last = end(dag)
    assert lines == [f"FAILED a, sgd, by val_accuracy ({waiting[0].id}), tuning: KeyError: 0 (log: its.log)"]
    assert last == "The same command again does only what is missing."
    put(dag.store.failed(waiting[1].id, Block(0, 2)), "RuntimeError: 1")
    assert end(dag)[1] == f"FAILED a, sgd, by val_loss ({waiting[1].id}), seeds 0-2: RuntimeError: 1 (log: its.log)"
    for arm in waiting:
        for path in (dag.store.runs(arm.id, Block(0, 2)), dag.store.curves(arm.id, Block(0, 2))):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    assert not any(line.startswith("FAILED") for line in end(dag))  # nobody waits for it any more
    assert second not in "".join(lines)


def test_jobs_of_a_cluster_find_the_plan_of_their_own_study_file(
    study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files of one relative path, in two folders, with one store."""
    config = {"study": "s.yaml", "results": str(tmp_path / "results")}
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        write(study | {"study": name}, Path("s.yaml"))
        Dag.build(config, Limits(gpu=1))
    for name in ("one", "other"):
        monkeypatch.chdir(tmp_path / name)
        Path("s.yaml").unlink()  # the plan is read, not the file
        assert Dag.build(config, main=False).plan.study == name


@pytest.mark.parametrize("folder", ["{a} {0}", "{two\nlines}"])
def test_a_folder_that_snakemake_would_read_as_wildcards_is_refused(
    build: Build, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = f"{folder!r} has braces, which Snakemake takes for a wildcard; give another"
    with pytest.raises(Refused) as refused:
        build(Limits(gpu=4), config={"results": folder})
    assert refused.value.lines == [f"--config results: {why}"]
    Path(folder).mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(Refused, match=r"the working folder: .* has braces"):
        build(Limits(gpu=4))
    monkeypatch.chdir("..")
    build(Limits(gpu=4), config={"results": "a{b"})


def test_where_the_plan_is_found_may_be_damaged(build: Build) -> None:
    [pointer] = build(Limits(gpu=4)).store.root.glob("studies/.*.plan")
    was = pointer.read_bytes()
    for damaged in (b"\xf5", b"", was[:3], b"\0" + was, was.replace(b".", b"\0")):
        pointer.write_bytes(damaged)
        build(Limits(gpu=4))
        assert pointer.read_bytes() == was


def test_what_is_left_is_told_at_the_end_whatever_stopped_it(build: Build) -> None:
    dag = build(Limits(gpu=4), metric="step_seconds")
    assert end(dag) == ["Not done: 2 of 2 jobs and the timing. The same command again goes on from here."]
    for receipt in dag.to_do:
        Path(receipt).touch()
    assert end(dag) == ["Not done: the timing. The same command again goes on from here."]
    assert dag.plan.timing
    dag.store.timing(dag.plan.timing.id).parent.mkdir()
    dag.store.timing(dag.plan.timing.id).touch()
    assert end(dag) == []


def test_two_files_of_one_study_name_do_not_share_a_store(
    study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def doubts(file: str) -> list[str]:
        assert main(["check", file, "--no-time"]) == 0
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning: ")]

    monkeypatch.chdir(tmp_path)
    write(study, Path("s.yaml"))
    Dag.build({"study": "s.yaml"}, Limits(gpu=1))
    write(study | {"seeds": 5}, Path("copy.yaml"))
    taken = f"study: 'small' is the name of {tmp_path / 's.yaml'} too; rename one, or give another store (results=)"
    with pytest.raises(Refused) as refused:
        Dag.build({"study": "copy.yaml"}, Limits(gpu=1))
    assert refused.value.lines == [f"copy.yaml: {taken}"]
    assert doubts("copy.yaml") == [f"warning: {taken}"]
    assert doubts("s.yaml") == []
    assert Plan.load(Path("results/studies/small/plan.json")).comparisons[0].seeds == 3
    Path("link.yaml").symlink_to("s.yaml")
    Dag.build({"study": "link.yaml"}, Limits(gpu=1))  # it is the same file
    Dag.build({"study": "copy.yaml", "results": "other"}, Limits(gpu=1))
    shutil.copytree("results", "folder/results")
    shutil.copy("s.yaml", "folder")
    monkeypatch.chdir("folder")
    Dag.build({"study": "s.yaml"}, Limits(gpu=1))  # what is copied with its store is nobody's namesake
    monkeypatch.chdir(tmp_path)
    write(study | {"study": "renamed"}, Path("s.yaml"))
    Dag.build({"study": "copy.yaml"}, Limits(gpu=1))
    Path("copy.yaml").rename("moved.yaml")
    Dag.build({"study": "moved.yaml"}, Limits(gpu=1))


def test_where_snakemakes_own_writing_fails_one_line_says_why(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tests.plan.shortened")
    logger.addFilter(Shortened())
    why = "OSError: [Errno 30] Read-only file system: 'runs.parquet'"
    logger.error('Traceback (most recent call last):\n\n  File "x.py"\n\n%s\n\n', why, extra={"exception": "OSError"})
    logger.error("Traceback (most recent call last):\nKeyError: 1", extra={"exception": "KeyError"})
    assert [record.getMessage() for record in caplog.records] == [
        why,
        "Traceback (most recent call last):\nKeyError: 1",
    ]
