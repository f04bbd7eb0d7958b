"""Numbers and lists as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """``1 core``, ``2 cores``, ``10,000 arms``, ``3 searches``, ``2 classes``."""
    ending = "es" if noun.endswith(("ch", "ss")) else "s"
    return f"{number:,} {noun}{ending * (number != 1)}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *head, tail = list(words) or [""]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def leading(text: str | None) -> float | None:
    """The number that a figure as printed begins with: 120 of "120 s"; None of "high complexity"."""
    found = re.match(r"\s*[<>~≈±]?\s*([-+−]?[\d,]*\.?\d+(?:[eE][-+]?\d+)?)", text or "")
    return float(found[1].replace(",", "").replace("−", "-")) if found else None
