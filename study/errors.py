"""What is refused: mistakes collected, one line each, with the place, what was wrong and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from study.wording import counted, short, show

MOST = 50  # mistakes that are told, at a time
LONGEST = 2000  # letters of what is said of one
# Line breaks, other control characters, surrogates, and what turns the direction of writing round.
UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")


class Refused(Exception):
    """The input was refused; ``lines`` say where, what was wrong and what would be right."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)


class Damaged(ValueError):
    """A file is not what was written there, in one line: ``path``, and ``why``."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path, self.why = path, why


class Unreadable(Damaged):
    """A file that this user, or the disk, does not let be read: what is in it may be whole."""


class Mistakes:
    """The mistakes found so far in one file, in the order found, each told once.

    Its length says how often one was found, so that it grows too where a mistake is made that was found before.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[str, None] = {}
        self._count = 0

    def add(self, path: str, message: str) -> None:
        self._found[self._line(path, message)] = None
        self._count += 1

    @property
    def full(self) -> bool:
        """Whether no more will be told: to find words for thousands takes longer than to find them."""
        return len(self._found) >= MOST

    def refusal(self, message: str) -> Refused:
        """For a mistake after which nothing more can be found."""
        return Refused([self._line("", message)])

    def __len__(self) -> int:
        return self._count

    def raise_any(self) -> None:
        if self._found:
            more = max(0, len(self._found) - MOST)
            said = f"{self.file}: and {counted(more, 'more mistake')}; mend these first"
            raise Refused([*self._found][:MOST] + [said] * bool(more))

    def _line(self, path: str, message: str) -> str:
        """One line, whatever a file holds."""
        message = message if len(message) <= LONGEST else f"{message[:LONGEST]} …"
        return printed(f"{self.file}: {path}: {message}" if path else f"{self.file}: {message}")


def printed(text: str) -> str:
    """Text on one line, with escapes for what cannot be seen, and would change what a terminal shows beside it."""
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def refuse(value: Any, expected: str) -> str:
    """``'many' is refused; give a whole number``."""
    return f"{'is empty' if value is None else f'{show(value)} is refused'}; give {expected}"


def nearest(name: Any, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that ``name`` was probably meant to be, in whatever case it is written."""
    by_case = {one.casefold(): one for one in reversed([*known])}
    close = (
        get_close_matches(name.casefold(), [*reversed(by_case)], n=1, cutoff=cutoff) if isinstance(name, str) else []
    )
    return by_case[close[0]] if close else None


def suggest(name: Any, known: Iterable[str], noun: str) -> str:
    """``'adagard' is not an optimizer; did you mean 'adagrad'?``, or all that is known."""
    known = list(known)
    close = nearest(name, known)
    article = "an" if noun[0] in "aeiou" else "a"
    hint = f"did you mean {close!r}?" if close else f"known: {', '.join(known)}"
    return f"{show(name)} is not {article} {noun}; {hint}"


def join(path: str, *parts: str | int) -> str:
    """``join("a", "b", 1)`` is ``a.b[1]``: a path in the file's own keys."""
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else f"{path}.{short(part)}" if path else short(part)
    return path


def join_each(path: str, key: str, places: Sequence[int]) -> str:
    """``join_each("a", "claims", [0, 2])`` is ``a.claims[0], [2]``."""
    return join(path, key, places[0]) + "".join(f", [{place}]" for place in places[1:])
