"""Small JSON files say themselves whether they are what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from study.errors import Damaged
from study.plan.history import History
from study.plan.jobs import Job
from study.plan.plan import Plan
from study.store.failures import failures, reason_of
from study.store.layout import Block, Store
from study.store.notes import read_note, write_note


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_note(tmp_path / "note.json", json.dumps({"a": [1, 2.5, None], "b": {"ü": "}"}}, indent=1))
    return tmp_path / "note.json"


def test_it_is_json_and_says_what_was_written(path: Path) -> None:
    assert read_note(path) == {"a": [1, 2.5, None], "b": {"ü": "}"}}
    assert [*json.loads(path.read_text())] == ["a", "b", "sha256"]
    assert not write_note(path, json.dumps(read_note(path), indent=1))  # nothing new


@pytest.mark.parametrize("content", [{}, {"one": 1}])
@pytest.mark.parametrize("indent", [None, 1])
def test_what_is_small_is_written_too(path: Path, content: dict[str, Any], indent: int | None) -> None:
    write_note(path, json.dumps(content, indent=indent))
    assert json.loads(path.read_text()).keys() == {*content, "sha256"}
    assert read_note(path) == content


def test_changed_bytes_and_lost_ends_are_found(path: Path) -> None:
    content, written = path.read_bytes(), read_note(path)
    places = range(len(content) - 1)
    changed = [content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :] for place in places]
    accepted = 0
    for each in [*changed, *(content[:length] for length in places)]:
        path.write_bytes(each)
        try:
            found = read_note(path)
        except Damaged:
            continue
        accepted += 1  # the name of the sum has changed, and no value
        assert [*found] == ["a", "b", next(reversed(found))]
        assert found | written == found
    assert accepted <= len("sha256")


def test_one_without_a_sum_is_read(path: Path) -> None:
    path.write_text('{"a": 1}')
    assert read_note(path) == {"a": 1}


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"reason": null}'])
def test_a_damaged_note_of_a_failure_is_a_failure_still(tmp_path: Path, content: bytes) -> None:
    store, block = Store(tmp_path), Block(0, 2)
    store.arm("a").mkdir(parents=True)
    store.failed("a", block).write_bytes(content)
    (store.arm("a") / "failed-x.json").write_bytes(content)  # of nobody
    assert reason_of(store.failed("a", block)) == ("it failed; the note that said why is damaged", "")
    [failure] = failures(store, "a")
    assert failure.block == block
    store.failed("a", block).unlink()
    store.started("a", block).write_bytes(content)
    assert list(failures(store, "a")) == []  # of what nobody knows, nothing is said


@pytest.mark.parametrize(("kind", "name"), [(Plan, "plan.json"), (Job, "0a1b2c3d4e5f.json")])
@pytest.mark.parametrize("content", [b"", b"[]", b'{"other": 1}', b"\xff\xfe"])
def test_a_damaged_plan_or_job_says_what_to_do(tmp_path: Path, kind: Any, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Damaged, match=rf"{name}: is damaged; run the study again, which writes it"):
        kind.load(tmp_path / name)


def test_a_job_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    Job(folder="here").write(store)
    there = store.job(Job().id)
    assert Job.load(there).folder == "here"
    with pytest.raises(Damaged, match="is damaged"):
        Job.load(there.rename(there.with_name("0a1b2c3d4e5f.json")))


def test_history_that_rots_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    history = History.at(path)
    history.look({"a": {"0a1b2c3d4e5f": 10}})
    history.write()
    assert History.at(path).looks == {"a": [{"0a1b2c3d4e5f": 10}]}
    path.write_text(path.read_text().replace("10", "12"))
    with pytest.raises(Exception, match=r"history.json: is damaged; restore it, or delete it"):
        History.at(path)
