"""The folders of the package read in the order of the flow, and planning is light."""

from __future__ import annotations

import ast
import struct
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE = ["wording", "errors", "commit", "tasks", "metric", "metrics", "target", "axes", "store", "stats"]
KNOWS = {  # what each folder, or module beside them, may import
    **dict.fromkeys(BASE, BASE),
    "plan": [*BASE, "plan"],
    "engine": [*BASE, "plan", "engine"],
    "run": [*BASE, "plan", "engine", "run"],
    "show": [*BASE, "plan", "show"],
    "watch": [*BASE, "plan", "watch"],
    "exchange": [*BASE, "plan", "engine", "run", "exchange"],
    "project": [*BASE, "plan", "project"],
}
FILES = [path for path in sorted((ROOT / "study").rglob("*.py")) if path.parent != ROOT / "study"]


def imported(path: Path) -> Iterator[str]:
    """The absolute names of all modules that a file imports, wherever in the file."""
    module = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(module[: -node.level]) + "." if node.level else ""
            yield from (f"{base}{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_imports_only_what_it_may_know(path: Path) -> None:
    own = path.relative_to(ROOT / "study").parts[0]
    used = {name.split(".")[1] for name in imported(path) if name.startswith("study.")}
    assert used <= {*KNOWS[own]}


def test_no_file_is_imported_by_what_it_imports() -> None:
    """Wherever in a file the import stands."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}

    def module(name: str) -> str:
        return name if name in names or "." not in name else module(name.rpartition(".")[0])

    graph = {name: {module(used) for used in imported(path)} - {name} for name, path in names.items()}
    assert len(graph) > 100
    TopologicalSorter(graph).prepare()  # raises CycleError


def modules(folder: str) -> list[str]:
    paths = sorted((ROOT / "study" / folder).rglob("*.py"))
    return [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]


def loaded(names: list[str], heavy: set[str]) -> str:
    code = f"import sys, {', '.join(names)}; print(*sorted({heavy!r} & set(sys.modules)))"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.strip()


def test_planning_loads_neither_torch_nor_pandas_nor_numpy() -> None:
    names = modules("plan")
    assert "study.plan.workflow.dag" in names
    assert loaded(names, {"torch", "pandas", "numpy", "sklearn", "matplotlib"}) == ""


def test_watching_is_as_light() -> None:
    assert loaded(modules("watch"), {"torch", "pandas", "numpy", "pyarrow", "matplotlib"}) == ""


def test_preparing_data_loads_no_torch() -> None:
    assert loaded(["study.run.verbs", "study.engine.inputs.prepare"], {"torch", "pandas"}) == ""


def test_what_is_to_be_drawn_is_known_without_pandas_and_matplotlib() -> None:
    """The Snakefile asks for it each time that it is parsed."""
    names = ["study.show.figures", "study.show.tables"]
    assert loaded(names, {"torch", "pandas", "numpy", "matplotlib", "seaborn"}) == ""


def test_showing_never_loads_torch() -> None:
    names = modules("show")
    assert "study.show.tables.results_table" in names
    assert loaded(names, {"torch"}) == ""


def test_a_study_on_files_is_planned_without_numpy_once_they_were_read(tmp_path: Path) -> None:
    for part, rows in (("train", 20), ("t10k", 10)):
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">BBBB3I", 0, 0, 8, 3, rows, 4, 4) + bytes(i % 251 for i in range(16 * rows))
        )
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(
            struct.pack(">BBBBI", 0, 0, 8, 1, rows) + bytes([0, 1] * (rows // 2))
        )
    (tmp_path / "t.csv").write_text("x,y\n" + "1.5,a\n2.5,b\n" * 10)
    (tmp_path / "s.yaml").write_text(
        "study: s\nbaseline: {dataset: {name: idx, path: .}, network: {name: mlp}, optimizer: adadelta, "
        "batch_size: 8, epochs: 1}\ncomparisons: {a: {vary: {dataset: "
        "[{name: idx, path: .}, {name: table, path: t.csv, target: y}]}, metrics: [test_loss]}}\n"
    )
    code = f"""
import sys
from study.plan.workflow.dag import Dag
Dag.build({{"study": {str(tmp_path / "s.yaml")!r}, "results": {str(tmp_path / "results")!r}}})
print(*sorted({{"numpy", "pandas", "torch"}} & set(sys.modules)))
"""
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT, text=True
        ).stdout.split()
        for _ in range(2)
    )
    assert first == ["numpy", "pandas"]
    assert second == []
