"""A project of one's own, from a wheel in an environment that does not know this repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT

PYTHON = Path("bin/python")
BROKEN = """
study: broken
baseline:
  dataset: {name: table, path: spirals.csv, target: arm}
  network: {name: custom, factory: "broken:Gated"}
  optimizer: {name: sgd, lr: 0.1}
  batch_size: 16
  epochs: 1
seeds: 2
comparisons: {width: {vary: {network.settings.width: [8, 16]}, metrics: [test_loss]}}
"""


@dataclass
class Away:
    """A project, and the environment that its commands are of."""

    folder: Path
    environment: Path

    def __call__(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """``evenhand …``; snakemake where that is named first, which is found by its module."""
        mine = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}
        binary, python = self.environment / "bin" / "evenhand", str(self.environment / PYTHON)
        called = [python, "-m", *command] if command[0] == "snakemake" else [str(binary), *command]
        return subprocess.run(
            called, cwd=self.folder, env=mine | variables, capture_output=True, text=True, timeout=300, check=False
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [name for name in listed.splitlines() if (ROOT / name).exists()]
    subprocess.run(["cp", "--parents", "-t", source, *files], cwd=ROOT, check=True)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", made, source]
    subprocess.run(build, check=True, cwd=made)
    [built] = made.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def away(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Away:
    """A new project, and a module that has the name of the package: nothing may find that one first."""
    environment, folder = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("away")
    venv.create(environment, with_pip=False)
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    install = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", wheel]
    subprocess.run([sys.executable, "-m", "pip", "--python", environment / PYTHON, *install], check=True)
    away = Away(folder, environment)
    assert away("new", "mine").returncode == 0
    (folder / "mine" / "study.py").write_text("raise SystemExit('not the package')\n")
    with (folder / "mine" / "study.yaml").open("a") as study:
        study.write("\nstyle: {formats: [svg]}  # the others take as long\n")
    return Away(folder / "mine", environment)


@pytest.fixture(scope="module")
def ended(away: Away) -> str:
    """What the study said that a project begins with."""
    done = away("run", "study.yaml", "--resources", "gpu=2", PYTHONPATH=".")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def test_a_folder_that_holds_something_stays_as_it_is(away: Away, tmp_path: Path) -> None:
    for name in (".", "study.yaml"):
        refused = away("new", name)
        assert refused.returncode == 2
        [line] = refused.stderr.splitlines()
        assert "; give " in line
    assert away("new", str(tmp_path)).returncode == 0, "an empty folder is as good as none"
    assert {path.name for path in tmp_path.iterdir()} == {
        *("Snakefile", "study.yaml", "study.schema.json", "mylab.py", "spirals.csv", "profiles", "README.md"),
        ".gitignore",
    }


def test_the_schema_is_that_of_the_package(away: Away) -> None:
    written = (away.folder / "study.schema.json").read_text(encoding="utf-8")
    assert written == (ROOT / "config" / "study.schema.json").read_text(encoding="utf-8") == away("schema").stdout
    assert (away.folder / "study.yaml").read_text().startswith("# yaml-language-server: $schema=study.schema.json\n")
    refused = away("schema", "--fix")
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1


def test_its_study_runs_to_the_report(away: Away, ended: str) -> None:
    assert "Report: results/studies/first/report.html (32 of 32 runs)" in ended
    plan = json.loads((away.folder / "results" / "studies" / "first" / "plan.json").read_text())
    assert [comparison["name"] for comparison in plan["comparisons"]] == ["optimizer", "network"]
    page = (away.folder / "results" / "studies" / "first" / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in ("Signum", "Gated", "supported"))


def test_a_second_run_trains_nothing_and_says_where_the_report_is(away: Away, ended: str) -> None:
    done = away("run", "study.yaml")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stderr
    assert done.stderr.rstrip().endswith("Report: results/studies/first/report.html (32 of 32 runs)")


def test_its_own_snakefile_is_the_same_workflow(away: Away, ended: str) -> None:
    done = away("snakemake", "--cores", "all", "--resources", "gpu=4")
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in done.stderr
    run = next((away.folder / "results" / "arms").glob("*/runs-*.parquet"))
    elsewhere = run.rename(away.folder / run.name)
    planned = away("snakemake", "--cores", "all", "--resources", "gpu=4", "--dry-run")
    elsewhere.rename(run)
    assert planned.returncode == 0, planned.stderr
    assert re.search(r"^\s*job +1\b", planned.stderr + planned.stdout, re.M)


def test_mistakes_are_refused_and_failures_are_shown(away: Away, ended: str) -> None:
    refused = away("run", "missing.yaml")
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (
        2,
        "missing.yaml: there is no such file; give the path of a study file",
    )
    twice = away("run", "study.yaml", "--config", "study=other.yaml")
    assert twice.returncode == 2
    code = (away.folder / "mylab.py").read_text()
    (away.folder / "broken.py").write_text(code.replace("self.output(glu", "self.outputs(glu"))
    (away.folder / "broken.yaml").write_text(BROKEN)
    failed = away("run", "broken.yaml", "--resources", "gpu=2")
    assert failed.returncode == 1, failed.stderr
    assert "width=8" in failed.stderr
    assert "has no attribute 'outputs'" in failed.stderr
    assert (away.folder / "results" / "studies" / "broken" / "report.html").exists()
