"""Numbers and lists as people write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

# Control characters, lone surrogates, and what is no character.
UNPRINTABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")

IRREGULAR = {  # plurals, and verbs of what is one
    "study": "studies", "family": "families", "is": "are", "was": "were", "has": "have", "does": "do",
    "carries": "carry", "counts": "count", "says": "say", "varies": "vary",
}  # fmt: skip


def one_line(text: str) -> str:
    """Text on one line, without what cannot be printed: ``str.split`` knows all line breaks that there are."""
    return UNPRINTABLE.sub("\ufffd", " ".join(text.split()))


def show(value: Any) -> str:
    """A value as a person would write it in YAML, on one line and not too long."""
    try:
        text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # a date, a set; a whole number of thousands of digits
        text = str(value) if not isinstance(value, int) else "a number this large"
    return short(text)


def short(text: str) -> str:
    """The same, or its beginning where it is long."""
    return text if len(text) <= 80 else f"{text[:76]} …"


def number(value: Any) -> str:
    """A setting as labels show it: numbers as %g, lists in brackets."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 1e300):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(number, value))}]"
    return one_line(value) if isinstance(value, str) else show(value)


def counted(number: int, noun: str) -> str:
    """``1 core``, ``2 cores``, ``10,000 arms``, ``3 searches``, ``2 classes``."""
    return f"{number:,} {plural(number, noun)}"


def plural(number: float | str, word: str) -> str:
    """A noun or a verb as a number, or its text, wants it: ``core``, ``is`` of 1; ``cores``, ``are`` of 2."""
    if number in (1, "1"):
        return word
    return IRREGULAR.get(word) or f"{word}{'es' if word.endswith(('ch', 'ss')) else 's'}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *head, tail = list(words) or [""]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def beginning(words: Sequence[str], most: int) -> list[str]:
    """The first of them, and how many more there are: ``["a", "b", "3 more"]``."""
    return [*words[:most], *[f"{len(words) - most:,} more"] * (len(words) > most)]


def sized(shape: Iterable[int]) -> str:
    """``40 × 10``."""
    return " × ".join(map(str, shape))


def duration(seconds: float) -> str:
    """``40 seconds``, ``4 minutes``, ``2.5 hours``, ``3 days``."""
    if seconds < 100:
        return f"{max(5, 5 * round(seconds / 5))} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.2g} hours" if seconds < 48 * 3600 else f"{seconds / 86400:,.0f} days"


def leading(text: str | None) -> float | None:
    """The number that a figure as printed begins with: 120 of "120 s"; None of "high complexity"."""
    found = re.match(r"\s*[<>~≈±]?\s*([-+−]?[\d,]*\.?\d+(?:[eE][-+]?\d+)?)", text or "")
    return float(found[1].replace(",", "").replace("−", "-")) if found else None
