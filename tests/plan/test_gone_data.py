"""A file of data that is gone is no reason not to draw the report; it is one where something is left to train."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.errors import Refused
from study.plan.file.expand import prepare
from study.plan.plan import Plan
from study.plan.workflow.dag import Dag
from study.store.layout import Store
from tests.plan.conftest import write

Of = Callable[[Path], dict[str, Any]]


def table(folder: Path) -> dict[str, Any]:
    (folder / "t.csv").write_text("x,y\n" + "1.5,a\n2.5,b\n" * 10)
    return {"name": "table", "path": "data/t.csv", "target": "y"}


def npz(folder: Path) -> dict[str, Any]:
    np.savez(folder / "t.npz", x=np.eye(20), y=np.arange(20) % 2)
    return {"name": "npz", "path": "data/t.npz"}


def images(folder: Path) -> dict[str, Any]:
    for i in range(20):
        path = folder / "pets" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), i, dtype="uint8")).save(path)
    return {"name": "images", "path": "data/pets"}


@pytest.fixture(params=[table, npz, images])
def gone(request: pytest.FixtureRequest, study: dict[str, Any], tmp_path: Path) -> Callable[..., Plan]:
    """Plan with the files there, then take them away; the plan that is made then."""
    (tmp_path / "data").mkdir()
    of: Of = request.param
    study["baseline"] |= {"dataset": of(tmp_path / "data"), "batch_size": 8}
    path, store = tmp_path / "s.yaml", Store(tmp_path / "results")
    write(study, path)
    first = Dag.build({"study": str(path), "results": str(store.root)}).plan
    shutil.rmtree(tmp_path / "data")

    def again(**config: Any) -> Plan:
        found = prepare(path, store, **config)
        assert found == first
        return found

    again.store, again.first = store, first  # type: ignore[attr-defined]
    return again


def test_it_is_planned_as_it_was_where_nothing_is_trained(gone: Any) -> None:
    gone(cached=True)
    with pytest.raises(Refused) as refused:
        gone()
    [line] = refused.value.lines
    assert "s.yaml: baseline.dataset.path: " in line
    [dataset] = gone.first.datasets
    gone.store.dataset(dataset).parent.mkdir(parents=True, exist_ok=True)
    gone.store.dataset(dataset).touch()  # it was prepared: nothing else is read
    gone()


def test_it_is_planned_as_it_was_where_all_runs_are_there(gone: Any) -> None:
    for arm, seeds in gone.first.seeds.items():
        gone.store.arm(arm).mkdir(parents=True, exist_ok=True)
        for kind in ("runs", "curves"):
            (gone.store.arm(arm) / f"{kind}-0-{seeds - 1}.parquet").touch()
    gone()


def test_another_reading_of_it_is_not_known(gone: Any, tmp_path: Path) -> None:
    text = (tmp_path / "s.yaml").read_text()
    (tmp_path / "s.yaml").write_text(text.replace("path:", "rows: 15\n    path:"))
    with pytest.raises(Refused):
        gone(cached=True)
