"""Processes that share what one has loaded: whatever becomes of them, all is done or said."""

from __future__ import annotations

import os
import signal

import pytest

from study.show.side_by_side import side_by_side

THINGS = [*"abcdefgh"]


@pytest.mark.parametrize("processes", [0, 1, 3, 20])
def test_each_thing_is_done_once_and_told_in_order(processes: int) -> None:
    at_hand = {"suffix": "!"}  # not pickled: those that are forked have it
    assert side_by_side(lambda thing: thing + at_hand["suffix"], THINGS, processes) == [f"{one}!" for one in THINGS]


def test_nothing_is_nothing() -> None:
    assert side_by_side(str, [], 4) == []


def test_several_processes_do_it() -> None:
    assert len({*side_by_side(lambda _: str(os.getpid()), THINGS, 2)} - {str(os.getpid())}) == 2


@pytest.mark.parametrize("fatal", ["a", "abcdefg"])
def test_a_killed_process_takes_one_thing_with_it(fatal: str) -> None:
    here = os.getpid()

    def done(thing: str) -> str:
        if thing in fatal and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return thing.upper()

    found = side_by_side(done, THINGS, 2)
    killed = [thing for thing, text in zip(THINGS, found, strict=True) if text == "its process was killed"]
    assert killed == [*fatal][:2]  # then none is left that could be killed
    assert all(text in (thing.upper(), "its process was killed") for thing, text in zip(THINGS, found, strict=True))


def test_where_none_can_be_forked_this_one_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refused)
    assert side_by_side(lambda _: str(os.getpid()), THINGS, 2) == [str(os.getpid())] * len(THINGS)
