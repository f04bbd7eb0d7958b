"""A function of many things, called by processes that share what this one has loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import TypeVar

Thing = TypeVar("Thing")


def side_by_side(function: Callable[[Thing], str], things: Sequence[Thing], processes: int) -> list[str]:
    """What ``function`` returns of each of ``things``, by so many processes that are forked from this one.

    With neither threads nor semaphores, of which a system that is short of memory grants one and refuses the next, and
    then a pool of processes waits forever (``concurrent.futures`` and ``multiprocessing.Pool`` have both). Where no
    process can be forked, this one does it all; of a thing whose process was killed the text says so.
    """
    found, left, at = [""] * len(things), iter(range(len(things))), dict[Connection, int]()
    for end in _forked(function, things, min(processes, len(things)) if processes > 1 else 0):
        _give(end, left, at)
    while at:
        ready = wait([*at])
        for end in [end for end in at if end in ready]:
            i = at.pop(end)
            try:
                found[i] = end.recv()
            except (EOFError, OSError):  # the second where it had not read what to do
                found[i] = "its process was killed"
            else:
                _give(end, left, at)
    for i in left:
        found[i] = function(things[i])
    return found


def _forked(function: Callable[[Thing], str], things: Sequence[Thing], processes: int) -> list[Connection]:
    """An end of a pipe to each process that could be forked; it ends when that is closed."""
    ends: list[Connection] = []
    with suppress(OSError):  # no more processes, files, or memory
        for _ in range(processes):
            here, there = get_context("fork").Pipe()
            get_context("fork").Process(
                target=_serve, args=(function, things, there, [*ends, here]), daemon=True
            ).start()
            there.close()
            ends.append(here)
    return ends


def _serve(
    function: Callable[[Thing], str], things: Sequence[Thing], there: Connection, others: Sequence[Connection]
) -> None:
    for other in others:  # which would keep pipes open that end with whoever forked this
        other.close()
    with suppress(EOFError, OSError):
        while True:
            there.send(function(things[there.recv()]))


def _give(end: Connection, left: Iterator[int], at: dict[Connection, int]) -> None:
    """The next thing, if there is one."""
    for i in left:
        with suppress(OSError):  # else it has died meanwhile
            end.send(i)
        at[end] = i
        return
    end.close()
