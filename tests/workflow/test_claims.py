"""Claims on a tuned study as a user runs it: an arm whose grid is too narrow cannot lose one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from study.__main__ import main
from study.store.layout import Store
from tests.workflow.conftest import Place, WarmPlace

# The best rate of sgd on wine is far above 0.002.
STUDY = """
study: narrow
baseline: {dataset: wine, network: {name: mlp, hidden: [8]}, optimizer: sgd, batch_size: 16, epochs: 4}
seeds: 6
tune: {optimizer.lr: {log: [0.0005, 0.002], points: 3}, seeds: 3, extend: 0, by_seed: false}
comparisons:
  optimizer:
    vary: {optimizer: [adam, sgd]}
    metrics: [test_accuracy]
    claims: [{metric: train_loss, better: adam, than: sgd}]
"""


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = WarmPlace(tmp_path_factory.mktemp("narrow"))
    (place.folder / place.study).write_text(STUDY, encoding="utf-8")
    done = place.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def test_a_loser_at_the_edge_of_its_grid_leaves_the_claim_undecided(narrow: Place) -> None:
    [claim] = pd.read_parquet(Store(narrow.results).study("narrow") / "claims.parquet").to_dict("records")
    assert claim["p_adjusted"] == pytest.approx(2 / 2**6)  # every seed says that adam is better
    assert claim["estimate"] > 1
    assert claim["verdict"] == "undecided"
    assert "sgd is undertuned" in claim["reason"]


def test_it_is_called_undertuned_wherever_it_is_shown(narrow: Place) -> None:
    folder = Store(narrow.results).study("narrow")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "undertuned" in page
    assert "undertuned" in (folder / "tables" / "optimizer.md").read_text(encoding="utf-8")


def test_the_verbs_tell_what_to_try_next(narrow: Place, capsys: pytest.CaptureFixture[str]) -> None:
    file, results = str(Path(narrow.folder) / narrow.study), str(narrow.results)
    assert main(["claims", file, "--results", results, "--require", "supported"]) == 1
    assert "undecided" in capsys.readouterr().out
    assert main(["suggest", file, "--results", results]) == 0
    assert "sgd" in capsys.readouterr().out
