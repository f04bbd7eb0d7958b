"""README.md, docs/ and other pages: blocks of code are ones that work; commands, in the text too, are understood."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import pandas as pd
import pytest

from study import __main__ as program
from study.plan.file.expand import prepare
from study.plan.plan import Plan
from study.store.layout import Store

ROOT = Path(__file__).parents[1]
FOLDERS = (".", "docs", "config", "benchmarks", "study/project/template")
FILES = [
    path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).glob("*.md") if path.name != "CHANGELOG.md"
]
PAGES = {str(path).removeprefix("docs/"): (ROOT / path).read_text(encoding="utf-8") for path in FILES}
FENCE = re.compile(r"^```(\S[^\n]*)?\n(.*?)^```$", re.M | re.S)
# What becomes of a block: planned, run (of CONTRIBUTING.md by tests/test_contributing.py), understood, drawn by
# tests/test_architecture.py; the rest is output.
KINDS = {"yaml", "python", "sh", "mermaid", "text", "sh not-run"}


def blocks(page: str, kind: str) -> list[str]:
    return [text for found, text in FENCE.findall(PAGES[page]) if found == kind]


def commands() -> set[str]:
    lines = [line.partition("#")[0] for page in PAGES for text in blocks(page, "sh") for line in text.splitlines()]
    found = [part for line in lines for part in re.split(r";|&&", line)]
    for text in PAGES.values():
        found += re.findall(r"`((?:evenhand|python -m|make|snakemake) [^` ]+ [^`]+)`", FENCE.sub("", text))
    return {command.strip() for command in found} - {""}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to work in, with the files that the studies of the pages name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "mylab", raising=False)
    for name, page in (("mylab.py", "custom.md"), ("train.py", "script.md")):
        [text] = blocks(page, "python")
        Path(name).write_text(text, encoding="utf-8")
    rows = [(name, 0.1, seed, 0.9 + seed / 1000) for name in ("sgd", "adam") for seed in range(8)]
    pd.DataFrame(rows, columns=["optimizer", "lr", "seed", "best_acc"]).to_csv("sweep.csv", index=False)
    return tmp_path


def planned(text: str) -> Plan:
    Path("mine.yaml").write_text(text, encoding="utf-8")
    return prepare(Path("mine.yaml"), Store("results"))


def test_every_block_says_what_it_is() -> None:
    assert {kind for text in PAGES.values() for kind, _ in FENCE.findall(text)} <= KINDS
    assert not any("```" in FENCE.sub("", text) for text in PAGES.values())


@pytest.mark.usefixtures("folder")
def test_studies_are_planned() -> None:
    plans = {page: [planned(text) for text in blocks(page, "yaml")] for page in PAGES}
    assert {len(plans[page]) for page in ("README.md", "custom.md", "script.md")} == {1}
    assert len(plans["study_files.md"]) >= 5


@pytest.mark.usefixtures("folder")
def test_the_first_study_has_as_many_lines_as_it_says_and_the_verdicts_that_stand_below() -> None:
    [(lines, text)] = re.findall(r"## A study in (\d+) lines\n\n```yaml\n(.*?)```", PAGES["README.md"], re.S)
    assert len(text.splitlines()) == int(lines)
    [printed] = blocks("README.md", "text")
    claims = [claim for comparison in planned(text).comparisons for claim in comparison.claims]
    assert printed.splitlines()[-1].startswith(f"{len(claims)} claims: ")
    assert all(f" {claim.better}: " in printed and f" than {claim.than}, " in printed for claim in claims)


@pytest.mark.usefixtures("folder")
def test_the_first_study_is_run_up_to_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the command that stands below it, but for its dry run."""
    [text], command = blocks("README.md", "yaml"), "evenhand run adam.yaml"
    assert command in PAGES["README.md"]
    Path("adam.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    words = [sys.executable, "-m", "study", *command.split()[1:], "--dry-run"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"job +\d", done.stdout + done.stderr)


@pytest.mark.parametrize("command", sorted(commands()))
def test_commands_are_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their arguments, that is: what comes of them has tests of its own."""
    verbs = ModuleType("verbs")
    verbs.__getattr__ = lambda verb: lambda arguments: 0  # type: ignore[method-assign]
    monkeypatch.setattr(program, "import_module", lambda home: verbs)
    words = [
        word
        for word in shlex.split(command.partition(" > ")[0])
        if word != "…" and not re.fullmatch("[A-Z_]+=.*", word)
    ]
    if words[:3] == ["python", "-m", "study"]:
        words[:3] = ["evenhand"]
    match words:
        case ["evenhand", *rest]:
            assert program.main(rest) == 0
        case ["snakemake", *rest]:
            from snakemake.cli import get_argument_parser

            get_argument_parser().parse_args(rest)
        case ["make", *targets]:
            rules = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
            assert set(targets) <= set(rules)
        case ["python", "-m", module, *_]:
            place = ROOT / module.replace(".", "/")
            assert place.is_dir() or place.with_suffix(".py").exists()
        case [name, *_]:
            assert name in (".", "cd") or os.access(ROOT / name, os.X_OK)
    for file in re.findall(r"config/[\w/]+\.yaml", command.replace("NAME", "data")):
        assert (ROOT / file).exists()


def test_a_network_of_ones_own_is_tried(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [text] = blocks("custom.md", "yaml")
    Path("mine.yaml").write_text(text, encoding="utf-8")
    assert program.main(["check", "mine.yaml", "--dry", "--no-time"]) == 0
    lines = capsys.readouterr().out.splitlines()
    [said] = [line for line in lines if line.startswith("tried")]
    assert re.fullmatch(r"tried on one batch: mylab:Net \(.*\); its runs are stacked", said)
    assert not [line for line in lines if line.startswith("  warning")]


@pytest.mark.usefixtures("folder")
def test_a_script_writes_what_its_page_says() -> None:
    Path("recipe").write_text('{"lr": 0.1, "width": 32}', encoding="utf-8")
    words = [sys.executable, "train.py", "--recipe", "recipe", "--seed", "0", "--log", "log"]
    subprocess.run(words, check=True)
    lines = [json.loads(line) for line in Path("log").read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in lines] == [*range(1, 11)]


def test_the_files_of_a_study_are_read_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    mpl.use("Agg")
    [code] = blocks("results.md", "python")
    names: dict[str, object] = {}
    exec(code.replace("results/studies/adam", "results/reference/studies/article"), names)
    assert {"lr", "optimizer", "val_loss"} <= {*names["tidy"]}  # type: ignore[misc]
