"""docs/architecture.md: its diagram is drawn from the imports, and what it names exists.

``python tests/test_architecture.py`` writes the diagram anew.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
DIAGRAM = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.S)


def imported(path: Path) -> Iterator[str]:
    """The parts of the package (folders, or modules beside them) that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        yield from (name.split(".")[1] for name in names if name.startswith("study."))


def arrows() -> dict[str, set[str]]:
    """Which parts each part imports, but for those that it imports through others."""
    parts = [path for path in sorted((ROOT / "study").iterdir()) if not path.name.startswith("_")]
    knows = {
        path.stem: {name for file in ([path] if path.is_file() else path.rglob("*.py")) for name in imported(file)}
        - {path.stem}
        for path in parts
        if path.suffix in ("", ".py")
    }

    def reached(part: str) -> set[str]:
        return {one for other in knows[part] for one in (other, *reached(other))}

    return {part: known - {one for other in known for one in reached(other)} for part, known in knows.items()}


def diagram() -> str:
    lines = [f"  {part} --> {known}" for part, all_known in arrows().items() for known in sorted(all_known)]
    return "\n".join(["flowchart BT", *lines]) + "\n"


def test_the_diagram_is_that_of_the_imports() -> None:
    [drawn] = DIAGRAM.findall(PAGE.read_text(encoding="utf-8"))
    assert drawn == diagram(), "python tests/test_architecture.py writes it anew"


def test_the_functions_of_the_flow_exist() -> None:
    named = re.findall(r"`(study(?:\.\w+)+)\.(\w+)\(", PAGE.read_text(encoding="utf-8"))
    assert len(named) >= 7
    for module, function in named:
        assert callable(getattr(importlib.import_module(module), function)), f"{module}.{function}"


def test_it_fits_one_screen() -> None:
    assert len(DIAGRAM.sub("", PAGE.read_text(encoding="utf-8")).splitlines()) <= 60


if __name__ == "__main__":
    PAGE.write_text(DIAGRAM.sub(lambda _: diagram(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
