"""Mistakes in a study file, collected and told one a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails


class Refused(Exception):
    """The input was refused; ``lines`` say where, what was wrong and what would be right."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)


class Mistakes:
    """The mistakes found so far in one file, in the order found, each once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[str, None] = {}

    def add(self, path: str, message: str) -> None:
        self._found[f"{self.file}: {path}: {message}" if path else f"{self.file}: {message}"] = None

    def __len__(self) -> int:
        return len(self._found)

    def raise_any(self) -> None:
        if self._found:
            raise Refused(list(self._found))


def show(value: Any) -> str:
    """A value as a person would write it in YAML."""
    if isinstance(value, str):
        return repr(value)
    try:
        return json.dumps(value)
    except TypeError:
        return repr(value)


def suggest(name: Any, known: Iterable[str], noun: str) -> str:
    """``'adagard' is not an optimizer; did you mean 'adagrad'?``, or all that is known."""
    known = list(known)
    close = get_close_matches(str(name), known, n=1)
    article = "an" if noun[0] in "aeiou" else "a"
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
    return f"{show(name)} is not {article} {noun}; {hint}"


def join(path: str, *parts: str | int) -> str:
    """``join("a", "b", 1)`` is ``a.b[1]``: a path in the file's own keys."""
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else f"{path}.{part}" if path else part
    return path


def explain(error: ErrorDetails, known: Iterable[str] = (), noun: str = "key") -> str:
    """One pydantic error in words. ``known`` are the keys that would have been right."""
    kind, given, key = error["type"], error["input"], error["loc"][-1] if error["loc"] else ""
    if kind == "extra_forbidden":
        return suggest(key, known, noun)
    if kind == "missing":
        return f"{key!r} is missing; it has no default and must be given"
    ctx = error.get("ctx", {})
    expected = {
        "greater_than": "a number above {gt:g}",
        "greater_than_equal": "a number of at least {ge:g}",
        "less_than": "a number below {lt:g}",
        "less_than_equal": "a number of at most {le:g}",
        "float_type": "a number",
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "finite_number": "a finite number",
        "bool_type": "true or false",
        "string_type": "text",
        "dict_type": "a mapping of keys to values",
        "list_type": "a list",
        "tuple_type": "a list",
        "too_short": "a list of at least {min_length} values",
        "too_long": "a list of at most {max_length} values",
        "string_pattern_mismatch": "text that matches {pattern}",
        "string_too_short": "text of at least {min_length} characters",
        "literal_error": "one of {expected}",
    }.get(kind)
    if expected is None:
        return f"{show(given)} is refused; {error['msg'].removeprefix('Value error, ')}"
    return f"{show(given)} is refused; give {expected.format(**ctx)}"
