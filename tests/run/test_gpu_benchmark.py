"""benchmarks/gpu.sh, where there is no GPU: it says so; and on a CPU it does what it would do on one."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def script(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Called from ``folder``, on a machine whose GPUs, should it have any, are hidden."""
    command = [str(ROOT / "benchmarks" / "gpu.sh"), *arguments]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    done = script(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("no GPU")
    assert not list(tmp_path.iterdir())


def test_checks_on_a_cpu(tmp_path: Path) -> None:
    (tmp_path / "study.py").touch()  # is not the package
    done = script(tmp_path, "--device", "cpu", "--quick", "--only", "packs,leases,own,graph", "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads((tmp_path / "out" / "gpu.json").read_text())
    assert [check["status"] for check in content["checks"]] == ["ok"] * 4
    assert all(check["numbers"] for check in content["checks"])


def test_a_check_that_would_not_fit_is_skipped(tmp_path: Path) -> None:
    done = script(tmp_path, "--device", "cpu", "--quick", "--minutes", "0", "--only", "packs", "--out", "out")
    assert done.returncode == 0
    assert "skipped" in done.stdout
    assert "takes about 50 s, and 0 s are left" in done.stdout


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return lambda name: import_module(f"benchmarks.gpu.{name}")


def wrong(bench: Any) -> str:
    bench.note(kept=1)
    raise ValueError("no good\nat all")


def crashing(bench: Any) -> str:
    bench.note(kept=1)
    os._exit(7)


def hanging(bench: Any) -> str:
    bench.note(kept=1)
    time.sleep(60)
    return "never"


@pytest.mark.parametrize(
    ("work", "found", "left"),
    [
        ("wrong", "ValueError: no good", 300),
        ("crashing", "its process ended with 7", 300),
        ("hanging", "not done after 6 s", 6),
        ("absent", "AttributeError", 300),
    ],
)
def test_what_goes_wrong_is_a_failure_of_its_check(
    work: str, found: str, left: float, benchmark: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    check = benchmark("check")
    made = check.Check(work, f"{__name__}:{work}", 1, ())
    with (tmp_path / "log").open("w") as log:
        outcome = check.outcome(made, "cpu", True, tmp_path, log, left=left)
    assert outcome.status == "failed"
    assert outcome.found.startswith(found), (tmp_path / "log").read_text()
    assert "FAILED: " in outcome.line()
    assert outcome.numbers == ({} if work == "absent" else {"kept": 1})


def test_a_package_that_is_missing_is_named(benchmark: Callable[[str], ModuleType], tmp_path: Path) -> None:
    check = benchmark("check")
    made = check.Check("some", "json:loads", 1, ("torch", "ruamel.nothing", "nothing.at_all"))
    with (tmp_path / "log").open("w") as log:
        outcome = check.outcome(made, "cpu", True, tmp_path, log, left=6)
    assert outcome[:3] == ("some", "skipped", "needs ruamel.nothing, nothing.at_all, which is not installed")


def test_records_that_differ_are_broken_promises(benchmark: Callable[[str], ModuleType]) -> None:
    same, far = ({"training": value, "losses": value} for value in (0.0, 1e-7))
    found = {"mlp": {"pack of 3": far, "a CPU": far}, "convnet": {"pack of 3": same, "a CPU": same}}
    [line] = benchmark("records").broken(found, "cpu")
    assert line == "pack of 3 differs in mlp (in training) by up to 1e-07"
    assert not list(benchmark("records").broken(found, "cuda"))
