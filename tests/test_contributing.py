"""The examples of CONTRIBUTING.md, run as they stand in a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from study.plan.file.expand import prepare
from study.store.layout import Store
from tests.show.records import records, stored

ROOT = Path(__file__).parents[1]
STUDY = """
study: example
baseline:
  dataset: {dataset}
  network: {{name: mlp, hidden: [8]}}
  optimizer: {optimizer}
  batch_size: 32
  epochs: 2
seeds: 2
comparisons:
  one: {{vary: {{dropout: [0, 0.1]}}, metrics: [test_accuracy]}}
"""


def examples(heading: str) -> list[str]:
    section = (ROOT / "CONTRIBUTING.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.S)


def example(heading: str) -> str:
    [code] = examples(heading)
    return code


@pytest.mark.parametrize(
    ("heading", "module", "dataset", "optimizer"),
    [
        ("Add an optimizer", "axes/optimizer.py", "wine", "{name: radam, lr: 0.01}"),
        ("Add a dataset", "axes/dataset.py", "iris", "{name: sgd, lr: 0.1}"),
    ],
)
def test_a_new_choice_is_one_class(tmp_path: Path, heading: str, module: str, dataset: str, optimizer: str) -> None:
    shutil.copytree(ROOT / "study", tmp_path / "study", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "study" / module).open("a") as file:
        file.write("\n\n" + example(heading))
    (tmp_path / "example.yaml").write_text(STUDY.format(dataset=dataset, optimizer=optimizer))
    script = """
from pathlib import Path
from study.plan.workflow.dag import Dag
dag = Dag.build({"study": "example.yaml"})
from study.engine.data import prepare
from study.run.job import run
for identity, dataset in dag.plan.datasets.items():
    prepare(dataset, dag.store.dataset(identity))
for job in dag.jobs.values():
    assert run(job, dag.store) == []
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    runs = pd.concat([pd.read_parquet(path) for path in tmp_path.glob("results/arms/*/runs-0-1.parquet")])
    assert runs["status"].tolist() == ["finished"] * 4
    assert runs["learned"].all()


def test_a_new_axis_is_one_field_and_the_lines_that_act(tmp_path: Path) -> None:
    """It is in study files, ids, packs, timing, Parquet and documents, and no other file of the package knows of it."""
    for name in ("study", "config"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    field, act = examples("Add an axis")
    for module, before, code in (
        ("recipe", "\n    @cached_property\n    def id(self)", field),
        ("optimizer", "        self.optimizer.step()\n", act),
    ):
        [path] = [found for found in tmp_path.glob(f"study/*/{module}.py") if before in found.read_text()]
        path.write_text(path.read_text().replace(before, code + before, 1))
        if module == "recipe":
            path.write_text(path.read_text().replace("Fraction, whole", "Fraction, NonNegative, whole", 1))
    study = STUDY.format(dataset="wine", optimizer="{name: sgd, lr: 0.1}").replace(
        "dropout: [0, 0.1]", "clip_norm: VALUES"
    )
    (tmp_path / "example.yaml").write_text(study.replace("VALUES", "[0, 0.001, 1000000]"))
    script = """
from pathlib import Path
from study.__main__ import main
from study.engine.data import load, prepare
from study.engine.pack import Run, train
from study.plan.workflow.dag import Dag
from study.run.job import run
assert main(["schema", "--fix"]) == 0
dag = Dag.build({"study": "example.yaml"})
for identity, dataset in dag.plan.datasets.items():
    prepare(dataset, dag.store.dataset(identity))
for job in dag.jobs.values():
    assert run(job, dag.store) == []
assert main(["collect", str(dag.file("plan.json"))]) == 0
off, small, large = [arm.recipe for arm in dag.plan.arms.values()]
assert off.operations() != small.operations() == large.operations()
assert "clip_norm" not in off.fragment() and "clip_norm" in small.fragment()
data = load(dag.store.dataset(off.dataset_id))
together = train([Run(off, 0), Run(small, 0), Run(large, 0)], data)  # one pack
alone = [train([Run(recipe, 0)], data)[0] for recipe in (off, small, large)]
assert [record.curve.rows for record in together] == [record.curve.rows for record in alone]
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "clip_norm" in (tmp_path / "config" / "study.schema.json").read_text()
    assert "Largest norm of the gradient of a step; 0: any." in (tmp_path / "config" / "README.md").read_text()
    folder = tmp_path / "results" / "studies" / "example"
    runs = pd.read_parquet(folder / "runs.parquet").groupby("clip_norm")["train_loss"].apply(list)
    assert runs[0] == runs[1e6]
    curves = pd.read_parquet(folder / "curves.parquet")
    bounded = curves["arm"].isin(pd.read_parquet(folder / "runs.parquet").query("clip_norm == 0.001")["arm"])
    moved = curves[bounded].groupby("seed")["train_loss"].agg(lambda losses: losses.max() - losses.min())
    assert (moved > 0).all()
    assert (moved < 0.01).all()  # 8 steps of at most 0.1 · 0.001
    (tmp_path / "example.yaml").write_text(study.replace("VALUES", "[0, -1]"))
    code = "from study.__main__ import main; main(['check', 'example.yaml'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "clip_norm[1]: -1 is refused; give a number of at least 0" in done.stderr


def test_a_new_metric_is_one_record(tmp_path: Path) -> None:
    """It is planned, tabled, drawn, judged and in the schema, and no other file of the package knows of it."""
    shutil.copytree(ROOT / "study", tmp_path / "study", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "study" / "metrics.py").open("a") as file:
        file.write("\n\n" + example("Add a metric"))
    study = STUDY.format(dataset="wine", optimizer="{name: sgd, lr: 0.1}").replace("seeds: 2", "seeds: 8")
    claim = "{metric: loss_gap, better: dropout=0, than: dropout=0.1, margin: 0.05}"
    study = study.replace("metrics: [test_accuracy]", f"metrics: [loss_gap], claims: [{claim}]")
    (tmp_path / "example.yaml").write_text(study)
    script = """
from pathlib import Path
from study.__main__ import main
from study.plan.file import schema
from study.plan.file.expand import prepare
from study.store.layout import Store
from tests.show.records import records, stored
plan = prepare(Path("example.yaml"), Store("results"))
found = records(plan)
found.runs["test_loss"] = found.runs["train_loss"] + 0.1 + 0.2 * found.runs["dropout"] * 10 + found.runs["seed"] / 1000
path, _ = stored(plan, found, Path("results"))
for verb, *more in (["table", "one"], ["figure", "results", "one"], ["report"]):
    assert main([verb, str(path), *more]) == 0
assert '"loss_gap"' in schema.text()
"""
    paths = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | paths,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "results" / "studies" / "example"
    summary = pd.read_parquet(folder / "summary.parquet").set_index("label")
    assert summary["estimate"].to_dict() == pytest.approx({"dropout=0": 0.1035, "dropout=0.1": 0.3035})
    assert set(summary["unit"]) == {"nats"}
    [row] = pd.read_parquet(folder / "claims.parquet").to_dict("records")
    assert (row["verdict"], row["estimate"]) == ("supported", pytest.approx(0.2))
    assert row["reason"].startswith("smaller by 0.20 nats in each of 8 pairs, margin 0.05 nats")
    page = (folder / "report.html").read_text()
    assert "dropout=0: smaller gap of losses than dropout=0.1, by more than 0.05 nats" in page
    assert "0.20 nats" in page


def test_a_new_panel_and_a_new_figure_are_one_class_each(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "study", tmp_path / "study", ignore=shutil.ignore_patterns("__pycache__"))
    figures = tmp_path / "study" / "show" / "figures"
    (figures / "panels" / "distribution.py").write_text(example("Add a panel"))
    with (figures / "figure.py").open("a") as file:
        file.write("\n\n" + example("Add a figure"))
    text = STUDY.format(dataset="wine", optimizer="{name: sgd, lr: 0.1}")
    (tmp_path / "example.yaml").write_text(text.replace("[test_accuracy]", "[test_accuracy, weight_norm, test_loss]"))
    plan = prepare(tmp_path / "example.yaml", Store(tmp_path / "results"))
    path, _ = stored(plan, records(plan), tmp_path / "results")
    script = f"""
from study.__main__ import main
for verb in (["figure", {str(path)!r}, "results", "one"], ["figure", {str(path)!r}, "losses", "one"],
             ["report", {str(path)!r}]):
    assert main(verb) == 0
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    drawn = (path.parent / "figures" / "results" / "one.svg").read_text()
    assert "share of seeds" in drawn
    assert "Weight norm. Share of the seeds at or below each value." in drawn
    assert "Every run is a dot." in (path.parent / "figures" / "losses" / "one.svg").read_text()
    assert "Figure of its losses: One" in path.with_name("report.html").read_text()
