"""Study files whose text was spoiled, by tags, escapes, anchors, bytes: each is planned, or refused in lines."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from study.errors import Refused
from study.plan.file.expand import prepare
from study.store.layout import Store

CONFIG = Path(__file__).parents[2] / "config"
TAGS = ["bool", "int", "float", "null", "str", "timestamp", "binary", "set", "omap", "pairs", "map", "seq", "merge"]
TOKENS = [
    r"\ud800", r"\0", r"\x07", r"\u202e", "\u202e", "é", "<script>", "|", "a" * 300, "a" * 5000, "{{x}}", "{", "}", "*",
    "&a", "~", ".nan", "-.inf", "1e308", "1e400", "-1", "1" * 400, "1" * 5000, "0x1F", "2001-01-01", "2001-99-99",
    "12:30:45", "''", "[]", "{}", "[[[]]]", "{a: {b: 1}}", "@x", "`x`", "- -", "? x", "<<: 1", "/dev/zero", "\t", "#",
]  # fmt: skip


def spoiled(text: str, chance: random.Random) -> bytes:
    """With one to three lines that somebody, or something, changed."""
    lines = text.split("\n")
    for _ in range(chance.choice([1, 1, 2, 3])):
        i = chance.randrange(len(lines))
        key, colon, value = lines[i].partition(": ")
        cut = chance.randrange(len(lines[i]) + 1)
        lines[i] = chance.choice(
            [
                f"{lines[i]}\n{lines[i]}",
                " " * chance.randrange(1, 9) + lines[i],
                "",
                f"{key}{colon}!!{chance.choice(TAGS)} {value}",
                f"{key}{colon}{chance.choice(TOKENS)}",
                f'{key}{colon}"{chance.choice(TOKENS)}"',
                f"{key}{colon}&z {value}\n{key}{colon}*z",
                lines[i][:cut] + chance.choice(TOKENS) + lines[i][cut:],
                lines[i][:cut] + chance.choice("[]{},:&*!|>'\"%@`#-?\t ") + lines[i][cut + 1 :],
            ]
        )
    content = bytearray("\n".join(lines).encode())
    if chance.random() < 0.2:
        content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


@pytest.mark.parametrize("source", ["article.yaml", "matrix.yaml", "smoke.yaml", "gallery/width.yaml"])
def test_a_spoiled_text_is_planned_or_refused(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text, chance, refused = (CONFIG / source).read_text(encoding="utf-8"), random.Random(source), 0
    for _ in range(40):
        content = spoiled(text, chance)
        Path("s.yaml").write_bytes(content)
        lines: list[str] = []
        try:
            prepare(Path("s.yaml"), Store("results"))
        except Refused as refusal:
            lines = refusal.lines
        assert all(line.startswith("s.yaml: ") and line.isprintable() for line in lines), content
        assert len(lines) <= 51, content
        refused += bool(lines)
    assert refused > 10
