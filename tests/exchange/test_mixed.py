"""A page that mixes devices, versions of torch or of recipes says so, and so do the claims that rest on such runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from study.plan.plan import Plan
from study.run.provenance import provenance
from study.store.layout import Block, Store
from study.store.schemas import RUNS
from tests.exchange.conftest import filled

Made = Callable[..., tuple[Plan, Store]]
Command = Callable[..., tuple[int, str]]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"device": "NVIDIA H100"}, "NVIDIA H100, PyTorch 2.13.0, recipe version 2"),
        ({"torch_version": "2.14.0+cu130"}, "CPU, PyTorch 2.14.0, recipe version 2"),
        ({"recipe_version": 1}, "CPU, PyTorch 2.13.0, recipe version 1"),
    ],
)
def test_a_mixture_is_told(made: Made, evenhand: Command, other: dict[str, Any], words: str) -> None:
    plan, store = made()
    filled(store, next(iter(plan.arms)), Block(0, 5), **other)
    assert evenhand("draw", store.study("small") / "plan.json", "--processes", 1)[0] == 0
    page = (store.study("small") / "report.html").read_text(encoding="utf-8")
    assert f"6 runs with {words}" in " ".join(page.split())
    [claim] = pq.read_table(store.study("small") / "claims.parquet").to_pylist()
    assert "its runs were not made alike: with " in claim["reason"]
    assert words in claim["reason"]


def test_runs_that_were_made_alike_are_no_mixture(made: Made, evenhand: Command) -> None:
    """Another host and another build of torch decide nothing that anybody could name."""
    plan, store = made()
    filled(store, next(iter(plan.arms)), Block(0, 5), torch_version="2.13.0", host="there")
    assert evenhand("draw", store.study("small") / "plan.json", "--processes", 1)[0] == 0
    page = (store.study("small") / "report.html").read_text(encoding="utf-8")
    assert "not all runs were made alike" not in page
    assert "not made alike" not in pq.read_table(store.study("small") / "claims.parquet").to_pylist()[0]["reason"]


def test_provenance_explains_a_difference() -> None:
    """Each of its columns is one of runs.parquet, and what torch computes with is what torch says."""
    about = provenance(torch.device("cpu"))
    assert {*about} <= {*RUNS.names}
    assert about["instructions"] == torch.backends.cpu.get_cpu_capability()
    assert about["threads"] == 1
    assert about["cores"] >= 1
    assert about["processor"]
    assert about["blas"]
    assert about["driver"] is None
    theirs = provenance(torch.device("cpu"), ours=False)
    assert {theirs[name] for name in ("instructions", "threads", "blas", "torch_version")} == {None}


def test_the_page_and_the_arm_say_what_computed(made: Made, evenhand: Command) -> None:
    processor = {"processor": "Model 7", "instructions": "AVX2", "blas": "MKL 2024.2", "threads": 1, "cores": 8}
    plan, store = made(**processor)
    assert evenhand("draw", store.study("small") / "plan.json", "--processes", 1)[0] == 0
    page = (store.study("small") / "report.html").read_text(encoding="utf-8")
    assert "CPU (Model 7, AVX2); PyTorch 2.13.0+cpu" in " ".join(page.split())
    _, said = evenhand("show", next(iter(plan.arms)), "--results", store.root)
    for word, value in (("processor", "Model 7"), ("instructions", "AVX2"), ("BLAS", "MKL 2024.2"), ("cores", "8")):
        assert any(line.split(maxsplit=1) == [word, value] for line in said.splitlines()), word
