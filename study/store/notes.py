"""Small JSON files. Each ends with the SHA-256 of what stands before, which is verified when it is read.

Those that were written before there were sums, or by hand, have none.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from study.errors import Damaged
from study.store.files import write_if_changed
from study.store.seal import readable

SUM = re.compile(r',?\n "sha256": "([0-9a-f]{64})"\n}\n\Z')


def now() -> str:
    """The time as notes have it: UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_note(path: Path, text: str) -> bool:
    """Write a JSON object in one step, only where that changes the file. Whether it was written."""
    head = text.rstrip().removesuffix("}").rstrip()
    return write_if_changed(path, f'{head}{"," * (head != "{")}\n "sha256": "{_sum(head)}"\n}}\n')


def note_text(path: Path) -> str:
    """What was written there. Raises OSError, and Damaged where it has changed."""
    try:
        with readable(path):
            text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Damaged(path, "is damaged: it is not text") from None
    if not (found := SUM.search(text)):
        return text
    head = text[: found.start()]
    if _sum(head) != found[1]:
        raise Damaged(path, "is damaged: it has changed since it was written (SHA-256)")
    return head + "\n}\n"


def read_note(path: Path) -> dict[str, Any]:
    """The object that was written there. Raises OSError, and Damaged where it has changed, or is none."""
    try:
        content = json.loads(note_text(path))
    except (json.JSONDecodeError, RecursionError):
        content = None
    if not isinstance(content, dict) or "sha256" in content:
        raise Damaged(path, "is damaged: it is not a JSON object with its sum")
    return content


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
