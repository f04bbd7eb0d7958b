"""What a report is drawn from: written down by content, the same wherever and whenever the records are the same."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.__main__ import main
from study.plan.history import Freshness, History
from study.plan.limits import Limits
from study.plan.trials import Trials
from study.plan.workflow.dag import Dag
from study.store.files import write_parquet
from study.store.layout import Block
from study.store.schemas import CURVES, RUNS, SEARCH
from tests.blocks import leave
from tests.plan.conftest import write


@pytest.fixture
def build(study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Dag]:
    """Build the DAG of a study of two tuned arms and three seeds."""
    monkeypatch.chdir(tmp_path)
    study["baseline"]["optimizer"] = "sgd"
    study["tune"] = {"optimizer.lr": {"log": [0.1, 1], "points": 2}, "by_seed": False}
    write(study, Path("s.yaml"))
    return lambda: Dag.build({"study": "s.yaml"}, Limits(gpu=1))


def files(dag: Dag) -> list[Path]:
    """The records of the first arm, and whatever else is there."""
    arm = next(iter(dag.plan.arms))
    block = Block(0, 2)
    return [dag.store.search(search_of(dag, arm)), dag.store.runs(arm, block), dag.store.curves(arm, block)]


def search_of(dag: Dag, arm: str) -> str:
    search = dag.plan.arms[arm].search
    assert search
    return search.id


def train(dag: Dag) -> None:
    """Leave records of every arm."""
    for arm in dag.plan.arms:
        block = Block(0, 2)
        leave(dag.store, arm, block)
        search = dag.plan.arms[arm].search
        assert search
        Trials(search).write(dag.store)


def draw(dag: Dag, error: type[BaseException] | None = None) -> None:
    with Freshness(dag.plan, dag.store).drawing(History.read(dag.plan, dag.store)):
        if error:
            raise error


def expected(dag: Dag) -> str:
    return Path(dag.file("records.json")).read_text()


def test_what_was_made_on_the_way_is_no_news(build: Callable[[], Dag]) -> None:
    dag = build()
    train(dag)
    draw(dag)
    drawn = expected(dag)
    assert expected(build()) == drawn
    assert set(json.loads(drawn)["contents"]) == set(dag.plan.arms)
    assert Freshness(dag.plan, dag.store).newer() == []


@pytest.mark.parametrize("which", [0, 1, 2])
def test_every_record_counts_also_where_mtime_stays(build: Callable[[], Dag], which: int) -> None:
    dag = build()
    train(dag)
    draw(dag)
    path = files(dag)[which]
    was, before = path.stat(), expected(dag)
    schema = [SEARCH.with_metadata({"selections": "[]"}), RUNS, CURVES][which]
    write_parquet(schema.with_metadata((schema.metadata or {}) | {"other": "content"}).empty_table(), path)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert expected(build()) != before
    assert Freshness(dag.plan, dag.store).newer() == [next(iter(dag.plan.arms))]


def test_after_a_draw_that_failed_all_records_are_news(build: Callable[[], Dag]) -> None:
    dag = build()
    train(dag)
    draw(dag)
    with pytest.raises(KeyboardInterrupt):
        draw(dag, KeyboardInterrupt)
    assert Freshness(dag.plan, dag.store).newer() == [*dag.plan.arms]


def test_what_a_failed_draw_did_not_collect_is_taken_away(build: Callable[[], Dag]) -> None:
    dag = build()
    train(dag)  # records without a row
    collected = [Path(dag.file(f"{name}.parquet")) for name in ("runs", "claims", "summary", "timing")]
    for path in collected:
        path.write_text("of an earlier draw")
    assert main(["draw", dag.file("plan.json")]) == 1
    assert not any(path.exists() for path in collected)


def test_a_damaged_history_is_told_in_a_line(build: Callable[[], Dag], capsys: pytest.CaptureFixture[str]) -> None:
    dag = build()
    History.read(dag.plan, dag.store).write()
    Path(dag.file("history.json")).write_text("{")
    assert main(["draw", dag.file("plan.json")]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("FAILED collect: results/studies/small/history.json: is damaged; restore it")


def test_seeds_that_no_one_asks_for_do_not_count(build: Callable[[], Dag]) -> None:
    train(build())
    before = expected(dag := build())
    arm = next(iter(dag.plan.arms))
    for path in (dag.store.runs(arm, Block(3, 5)), dag.store.curves(arm, Block(3, 5))):
        path.write_text("more")
    after = build()
    assert json.loads(expected(after))["contents"] == json.loads(before)["contents"]


def test_a_clone_expects_the_same(build: Callable[[], Dag], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(build())
    before = expected(build())
    for name in ("results/arms", "results/searches", "s.yaml"):
        copy = shutil.copytree if Path(name).is_dir() else shutil.copyfile
        (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        copy(tmp_path / name, tmp_path / "clone" / name)
    monkeypatch.chdir(tmp_path / "clone")
    assert expected(build()) == before


def test_a_file_is_read_once(build: Callable[[], Dag], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    checked: list[str] = []
    plain = hashlib.file_digest

    def counted(file: Any, name: str) -> Any:
        read.append(Path(file.name).name)
        return plain(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    monkeypatch.setattr("study.plan.damage.check", lambda path: checked.append(path.name))
    train(build())
    dag = build()
    assert len(read) == 4 * len(dag.plan.arms)
    assert read.count("recipe.json") == len(dag.plan.arms)
    assert len(checked) == 3 * len(dag.plan.arms)  # all but recipes
    os.utime(files(dag)[1])
    build()
    assert read[4 * len(dag.plan.arms) :] == checked[3 * len(dag.plan.arms) :] == ["runs-0-2.parquet"]


def test_results_half_drawn_are_drawn_from_nothing(build: Callable[[], Dag]) -> None:
    train(dag := build())
    draw(dag)
    history = History.read(dag.plan, dag.store)
    assert set(history.drawn) == set(dag.plan.arms)
    with pytest.raises(KeyboardInterrupt):
        draw(dag, KeyboardInterrupt)
    assert History.read(dag.plan, dag.store).drawn == {}
