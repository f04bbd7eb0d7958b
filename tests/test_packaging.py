"""pyproject, environment.yml and constraints say the same."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def declared(*extras: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]


def test_the_conda_environment_has_the_same_dependencies() -> None:
    environment = YAML(typ="safe").load((ROOT / "environment.yml").read_text())
    [pip] = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert sorted(line for line in pip if not line.startswith("--")) == sorted(declared("test"))
    assert {"--constraint constraints.txt", "--editable ."} <= set(pip)
    [python] = [d for d in environment["dependencies"] if isinstance(d, str) and d.startswith("python")]
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert python == f"python{requires}"


def test_every_dependency_is_pinned() -> None:
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")
    )
    assert all(re.fullmatch(r"[0-9][\w.]*", version) for version in pins.values())
    pinned = {name.lower().replace("_", "-") for name in pins}
    wanted = {NAME.match(line)[0].lower() for line in declared("docs", "test")}  # type: ignore[index]
    assert wanted <= pinned


@pytest.mark.parametrize("target", ["install", "install-docs", "install-test"])
def test_make_installs_nothing_when_contents_are_the_same(tmp_path: Path, target: str) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    sums = subprocess.run("cat pyproject.toml constraints.txt | cksum", shell=True, cwd=tmp_path, capture_output=True)
    (tmp_path / ".venv").mkdir()
    mark = tmp_path / ".venv" / f"installed{target.removeprefix('install')}"
    mark.write_bytes(sums.stdout)
    done = subprocess.run(["make", target], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "installing" not in done.stdout
    (tmp_path / "constraints.txt").write_text("numpy==0\n")
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho called "$@"\n')
    python.chmod(0o755)
    changed = subprocess.run(["make", target, "BIN=bin"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "called -m pip install" in changed.stdout
    assert mark.read_bytes() != sums.stdout


def test_no_file_is_long_and_no_name_is_empty_of_meaning() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    python = [ROOT / name for name in tracked if name.endswith(".py") and (ROOT / name).exists()]
    assert len(python) > 50
    long = {str(p.relative_to(ROOT)) for p in python if len(p.read_text().splitlines()) > 300}
    assert not long
    assert not {p.name for p in python} & {"utils.py", "helpers.py", "manager.py", "engine.py", "common.py", "misc.py"}
