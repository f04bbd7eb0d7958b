"""OpenML: from an answer that was recorded (here that which scikit-learn tests itself with), and without a network."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_iris

from study.axes.datasets.raw import Unfit
from study.axes.datasets.table import OpenML
from study.engine.inputs.prepare import prepare
from study.errors import Refused
from study.plan.file.expand import prepare as plan
from study.store.layout import Store

RECORDED = Path(sklearn.__file__).parent / "datasets" / "tests" / "data" / "openml" / "id_61"
PLACES = {  # in the cache of fetch_openml, by the names of these files
    "api-v1-jd-61.json.gz": "api/v1/json/data/61",
    "api-v1-jdf-61.json.gz": "api/v1/json/data/features/61",
    "api-v1-jdq-61.json.gz": "api/v1/json/data/qualities/61",
    "api-v1-jdl-dn-iris-l-2-dv-1.json.gz": "api/v1/json/data/list/data_name/iris/limit/2/data_version/1",
    "data-v1-dl-61.arff.gz": "data/v1/download/61/iris.arff",
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as ``fetch_openml`` leaves it, on a machine without a network."""
    for name, place in PLACES.items():
        path = tmp_path / "kept" / "openml" / "openml.org" / f"{place}.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(RECORDED / name, path)

    def refuse(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr("sklearn.datasets._openml.urlopen", refuse)
    return tmp_path / "kept"


@pytest.mark.parametrize("which", [{"id": 61}, {"data": "iris", "version": 1}])
def test_a_recorded_dataset_is_that_of_scikit_learn(which: dict[str, object], cache: Path) -> None:
    raw = OpenML.model_validate({"name": "openml", "cache": str(cache), **which}).load()
    iris = load_iris()
    assert raw.labels == ("Iris-setosa", "Iris-versicolor", "Iris-virginica")
    np.testing.assert_array_equal(raw.target, iris.target)
    # Two rows of OpenML's are those of the UCI, of which scikit-learn's are corrected.
    assert np.count_nonzero((raw.features != iris.data).any(axis=1)) <= 2
    assert raw.summary == ("4 columns of numbers (sepallength, sepalwidth, petallength, petalwidth)",)


STUDY = """
study: s
baseline:
  dataset: {name: openml, DATASET}
  network: linear
  optimizer: {name: sgd, lr: 0.1}
  batch_size: 8
  epochs: 1
comparisons:
  a: {vary: {optimizer.lr: [0.1, 0.2]}, metrics: [test_accuracy]}
"""


def written(folder: Path, dataset: str) -> Path:
    (folder / "s.yaml").write_text(STUDY.replace("DATASET", dataset))
    return folder / "s.yaml"


def test_it_is_planned_by_what_was_recorded_and_then_without(cache: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    [dataset] = plan(written(tmp_path, "id: 61, cache: kept"), store, remember=True).datasets.values()
    assert isinstance(dataset, OpenML)
    assert dataset.md5 == "ad484452702105cbf3d30f8deaba39a9"
    assert (dataset.sizes, dataset.known_task) == ((90, 30, 30), "classification")
    prepare(dataset, tmp_path / "results" / "datasets" / "d.npz")
    cache.rename(tmp_path / "gone")
    assert next(iter(plan(tmp_path / "s.yaml", store).datasets.values())) == dataset
    with pytest.raises(Unfit, match="openml 61 cannot be fetched here"):
        prepare(dataset, tmp_path / "d.npz")


@pytest.mark.parametrize(
    ("dataset", "place", "words"),
    [
        ("id: 62, cache: kept", "id", "openml 62 cannot be fetched here; check its number, or fetch it once where"),
        ("data: iris, cache: kept", "id", "give id: 61, or data: iris and version: 1"),
        ("id: 61, version: 1, cache: kept", "id", "give id: 61, or data: iris and version: 1"),
        ("id: 61, cache: kept, target: clas", "target", "openml 61: 'clas' is not a column; did you mean 'class'?"),
        (
            "id: 61, cache: kept, md5: abc",
            "md5",
            "the MD5 of openml 61 is ad484452702105cbf3d30f8deaba39a9; correct it",
        ),
    ],
)
def test_datasets_that_are_refused(dataset: str, place: str, words: str, cache: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        plan(written(tmp_path, dataset), Store(tmp_path / "results"))
    assert refused.value.lines[0].startswith(f"{tmp_path / 's.yaml'}: baseline.dataset.{place}: {words}")
