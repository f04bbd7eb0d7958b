"""Which GPUs there are, asked of a pretend nvidia-smi."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from study.plan import limits
from study.plan.limits import _by_index, visible


def test_the_visible_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Indices and UUIDs of CUDA_VISIBLE_DEVICES name the same devices."""
    smi, asked = tmp_path / "nvidia-smi", tmp_path / "asked"
    smi.write_text(f"#!/bin/sh\necho >> {asked}\nprintf '0, GPU-a\\n1, GPU-b1\\n2, GPU-b2\\n'\n")
    smi.chmod(0o755)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "2.13.0")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    request.addfinalizer(_by_index.cache_clear)
    _by_index.cache_clear()
    assert visible() == ["GPU-a", "GPU-b1", "GPU-b2"]
    named = {
        "2,0": ["GPU-b2", "GPU-a"],
        "GPU-b1": ["GPU-b1"],
        "GPU-a,GPU-b": ["GPU-a"],  # the second could be either, and CUDA stops there
        "0,0": ["GPU-a"],
        "1,-1,0": ["GPU-b1"],
        "7,0": [],
        "MIG-x": ["MIG-x"],
        "": [],
        "-1": [],
    }
    for value, expected in named.items():
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
        assert visible() == expected
    assert asked.read_text() == "\n"  # once, however often it is needed
    _by_index.cache_clear()
    smi.write_text("#!/bin/sh\nexit 9\n")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert visible() == []


def test_a_cpu_build_of_torch_sees_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: "2.13.0+cpu")
    monkeypatch.setattr("study.plan.limits.nvidia_smi", lambda query: ["0, GPU-a"])
    limits._by_index.cache_clear()
    assert visible() == []
    limits._by_index.cache_clear()
