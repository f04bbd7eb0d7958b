"""What Snakemake is called with by ``evenhand run``."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import evenhand
from study.__main__ import main
from study.plan.workflow.command import command, run_command


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The calls of Snakemake, which makes nothing here, in a folder that is empty."""
    calls: list[list[str]] = []

    def snakemake() -> None:
        calls.append(sys.argv)
        raise SystemExit(0)

    monkeypatch.setattr("snakemake.cli.main", snakemake)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.delenv("SNAKEMAKE_PROFILE", raising=False)
    monkeypatch.chdir(tmp_path)
    return calls


ALL = ["--cores", "all"]


@pytest.mark.parametrize(
    ("options", "config", "rest"),
    [
        ([], [], ALL),
        (["-n", "report"], [], [*ALL, "-n", "report"]),
        (["-q", "all", "--config", "results=there", "-n"], ["results=there"], [*ALL, "-q", "all", "-n"]),
        (["-C", "results=there", "cached=true"], ["results=there", "cached=true"], ALL),
        (["--cores=2"], [], ["--cores=2"]),
        (["-c4"], [], ["-c4"]),
        (["-j", "4"], [], ["-j", "4"]),
        (["--workflow-profile", "slurm"], [], ["--workflow-profile", "slurm"]),
        (["--directory", "there"], [], [*ALL, "--directory", "there"]),
    ],
)  # fmt: skip
def test_all_cores_unless_said_and_options_as_they_are(
    called: list[list[str]], options: list[str], config: list[str], rest: list[str]
) -> None:
    assert main(["run", "my.yaml", *options]) == 0
    assert called == [["snakemake", "--config", "study=my.yaml", *config, "--snakefile", evenhand.snakefile, *rest]]


def test_a_profile_of_the_folder_says_how_many_cores(called: list[list[str]]) -> None:
    profile = Path("profiles/default/config.yaml")
    profile.parent.mkdir(parents=True)
    for text, given in (("keep-going: true\n", True), ("keep-going: true\ncores: 2\n", False)):
        profile.write_text(text)
        assert main(["run", "my.yaml"]) == 0
        assert ("--cores" in called.pop()) == given


def test_whatever_else_is_called_study_is_not_found_first(tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text("raise SystemExit('not the package')\n")
    code = "import evenhand; evenhand.lead(); import study.errors; print(study.__file__)"
    path = f"{tmp_path}:{evenhand.HERE}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(evenhand.HERE / "study" / "__init__.py")


def test_a_command_that_is_printed_is_one_that_the_shell_finds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(evenhand, "found", "/usr/bin/evenhand")
    assert run_command("my study.yaml", Path("results")) == "evenhand run 'my study.yaml'"
    assert run_command("s.yaml", "there", "cached=true") == "evenhand run s.yaml --config results=there cached=true"
    monkeypatch.setattr(evenhand, "found", None)  # the environment is not activated
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(shlex.split(command("check", "--help")), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: evenhand check")
