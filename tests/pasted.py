"""The examples of CONTRIBUTING.md, put into a copy of the package, and what runs there."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def examples(heading: str) -> list[str]:
    section = (ROOT / "CONTRIBUTING.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.S)


def field(recipe: str) -> int:
    """The line behind the last field of ``Recipe``."""
    [kind] = [node for node in ast.walk(ast.parse(recipe)) if isinstance(node, ast.ClassDef) and node.name == "Recipe"]
    return max(node.end_lineno or 0 for node in kind.body if isinstance(node, ast.AnnAssign))


def norms(pack: str) -> int:
    """The line where the norms of the gradients are noted."""
    noted = [node for node in ast.walk(ast.parse(pack)) if isinstance(node, ast.Expr)]
    [known] = [node for node in noted if ast.unparse(node).startswith("norms.append(")]
    return known.end_lineno or 0


def tasks(module: str) -> int:
    """The line before the table of all tasks."""
    return module.split("\nTASKS: ")[0].count("\n")


PLACES: dict[str, list[tuple[str, Callable[[str], int] | None]]] = {  # where each example goes, and behind which line
    "Add an optimizer": [
        ("axes/optimizer.py", None),
        ("axes/implementations/normalized.py", None),
        ("axes/optimizer.py", None),
    ],
    "Add an axis": [("axes/recipe.py", field), ("engine/pack.py", norms)],
    "Add a dataset": [("axes/dataset.py", None), ("axes/dataset.py", None)],
    "Add a task": [("tasks.py", tasks)],
    "Add a metric": [("metrics.py", None)],
    "Add a panel": [("show/figures/panels/distribution.py", None)],
    "Add a figure": [("show/figures/figure.py", None)],
}


def paste(root: Path, *headings: str, folders: Sequence[str] = ("study",)) -> None:
    """Copy ``folders`` to ``root``, and put the examples of these sections into the package, but for what it has."""
    for folder in folders:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for heading in headings:
        for code, (name, behind) in zip(examples(heading), PLACES[heading], strict=True):
            path = root / "study" / name
            text = path.read_text() if path.exists() else ""
            mark = re.search(r"^(class \w+|\s*\w+.*)", code, re.M)
            assert mark
            if mark[0] in text:
                continue
            lines = text.splitlines(keepends=True)
            at = behind(text) if behind else len(lines)
            path.write_text("".join([*lines[:at], "\n\n" * bool(text and not behind), code, *lines[at:]]))
    if "Add an axis" in headings:
        path = root / "study" / "axes" / "recipe.py"
        head, future, rest = path.read_text().partition("from __future__ import annotations\n")
        path.write_text(head + future + "\nfrom study.axes.base import NonNegative\n" + rest)


def python(root: Path, *arguments: str, path: Sequence[Path] = ()) -> str:
    """What a process in ``root`` prints; it must succeed. ``path``: where it looks for modules after ``root``."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [root, *path]))}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
