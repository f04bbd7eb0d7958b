"""The examples of CONTRIBUTING.md, run as they stand in a copy of the package."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from study.plan.file.expand import prepare
from study.store.layout import Store
from tests.pasted import PLACES, ROOT, paste, python
from tests.show.records import records, stored

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


QUICK = """
tests/axes/test_choices.py tests/axes/test_inits.py tests/axes/test_networks.py tests/axes/test_optimizers.py
tests/axes/test_regularizers.py tests/axes/test_schedules.py tests/test_metrics.py
tests/plan/test_comparison_arms.py tests/plan/test_expand.py tests/plan/test_identity.py
tests/plan/test_imports.py::test_a_folder_imports_only_what_it_may_know
tests/plan/test_imports.py::test_planning_loads_neither_torch_nor_pandas_nor_numpy
tests/plan/test_mistakes.py tests/plan/test_schema.py tests/stats/test_margins.py
tests/run/test_data.py::test_a_dataset_is_what_its_class_says
tests/run/test_packs.py::test_a_number_acts_on_its_own_run tests/run/test_packs.py::test_the_shared_axes_must_agree
tests/show/test_figures.py::test_the_kind_suits_what_varies_and_says_units_and_n
"""


def test_all_examples_together_leave_the_tests_green(tmp_path: Path) -> None:
    """As somebody adds them, who runs the linter and ``schema --fix`` afterwards, and then the tests of what is new."""
    paste(tmp_path, *PLACES, folders=("study", "config", "tests", "docs"))
    for name in ("pyproject.toml", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    python(tmp_path, "-m", "ruff", "check", "--fix", "--quiet", "study")
    python(tmp_path, "-m", "ruff", "format", "--quiet", "study")
    python(tmp_path, "-m", "study", "schema", "--fix")
    python(tmp_path, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *QUICK.split())


CLIPPED = """
study: example
baseline: {dataset: wine, network: {name: mlp, hidden: [8]}, optimizer: {name: sgd, lr: 0.1}, batch_size: 32, epochs: 2}
seeds: 6
comparisons:
  one:
    vary: {clip: [0, 0.01, 0.02]}
    metrics: [test_loss, step_seconds]
    claims: [{metric: test_loss, better: clip=0.01, than: clip=0}]
  two: {vary: {activation: [tanh]}, tune: {clip: {values: [0, 0.01]}, seeds: 2, by_seed: false}, metrics: [test_loss]}
"""
IN_EVERYTHING = """
import json
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from study.__main__ import main
from study.axes.optimizers.per_run import LBFGS
from study.axes.recipe import AXES
from study.engine.inputs.data import load
from study.engine.inputs.prepare import prepare
from study.engine.networks.network import build
from study.engine.determinism import stream
from study.engine.pack import Run, train
from study.plan.workflow.dag import Dag
from study.run.job import run
from study.store.schemas import AXES_COLUMNS

assert main(["schema", "--fix"]) == main(["check", "example.yaml", "--no-time"]) == 0
schema = json.loads(open("config/study.schema.json").read())["$defs"]
for part in ("Baseline", "ComparisonBaseline", "Vary", "Arm", "Pattern", "Tune"):
    assert "clip" in schema[part]["properties"], part
assert schema["Baseline"]["properties"]["clip"]["description"] == AXES["clip"].description
assert "### `clip` (default `0`)" in open("config/README.md").read()
assert pa.field("clip", pa.float64()) in AXES_COLUMNS
dag = Dag.build({"study": "example.yaml"})
arms = {arm.label: dag.plan.arms[arm.arm] for comparison in dag.plan.comparisons for arm in comparison.arms}
assert list(arms) == ["clip=0", "clip=0.01", "clip=0.02", "tanh"]
none, some, more, searched = arms.values()
assert [arm.columns()["clip"] for arm in arms.values()] == [0, 0.01, 0.02, None]
assert none.recipe.shared() == some.recipe.shared()  # they may be stacked
assert none.recipe.operations() != some.recipe.operations() == more.recipe.operations()
assert searched.search.changes_steps
for name, dataset in dag.plan.datasets.items():
    prepare(dataset, dag.store.dataset(name))
for job in dag.jobs.values():
    assert run(job, dag.store) == []
data = load(dag.store.dataset(none.dataset_id))
for arm in (none, some, more):
    runs = {row["seed"]: row for row in pq.read_table(next(dag.store.arm(arm.id).glob("runs-*"))).to_pylist()}
    for seed, row in runs.items():
        module, order = build(arm.recipe, seed, data), stream(seed, "order")
        optimizer = torch.optim.SGD(module.parameters(), 0.1)
        for _ in range(2):
            for rows in torch.split(torch.randperm(data.train.rows, generator=order), 32):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(module(data.train.x[rows]), data.train.y[rows]).backward()
                if arm.recipe.clip:
                    torch.nn.utils.clip_grad_value_(module.parameters(), arm.recipe.clip)
                optimizer.step()
        with torch.no_grad():
            expected = torch.nn.functional.cross_entropy(module(data.test.x), data.test.y).item()
        assert abs(row["test_loss"] - expected) < 1e-4 * expected
trials = pq.read_table(dag.store.search(searched.search.id))
assert [json.loads(text)["clip"] for text in trials["settings"].to_pylist()] == [0, 0, 0.01, 0.01]
largest = []


class Watched(torch.optim.LBFGS):
    def step(self, closure):
        def watched():
            loss = closure()
            largest.append(max(float(p.grad.abs().max()) for group in self.param_groups for p in group["params"]))
            return loss

        return super().step(watched)


torch.optim.LBFGS = Watched  # whose step evaluates the gradient again and again
train([Run(some.recipe.but(optimizer=LBFGS(max_iter=3), epochs=1), 0)], data)
assert len(largest) > 2 * 4  # batches
assert max(largest) <= some.recipe.clip * 1.0001
print(none.id)
"""


def test_a_new_axis_is_one_field_and_what_acts_on_it(tmp_path: Path) -> None:
    """It is in schema, README, ids, labels, packs, timing, searches and Parquet; arms without it keep their ids."""
    paste(tmp_path, "Add an axis", folders=("study", "config"))
    (tmp_path / "example.yaml").write_text(CLIPPED)
    printed = python(tmp_path, "-c", IN_EVERYTHING)
    assert "claims[0]: arms with different clipping bounds at one untuned learning rate" in printed
    (tmp_path / "example.yaml").write_text(STUDY.format(dataset="wine", optimizer="{name: sgd, lr: 0.1}"))
    plan = prepare(tmp_path / "example.yaml", Store(tmp_path / "results"))
    assert printed.split()[-1] == plan.comparisons[0].arms[0].arm


def test_a_new_optimizer_or_dataset_is_one_class(tmp_path: Path) -> None:
    """Two examples in each section, and a study of each."""
    paste(tmp_path, "Add an optimizer", "Add a dataset")
    sgd = "{name: sgd, lr: 0.1}"
    made = [
        *(
            ("wine", choice, "test_accuracy")
            for choice in ("{name: amsgrad, lr: 0.01}", "{name: normalized_sgd, lr: 0.1}")
        ),
        *((dataset, sgd, "test_loss") for dataset in ("iris", "friedman")),
    ]
    for i, (dataset, optimizer, metric) in enumerate(made):
        study = STUDY.format(dataset=dataset, optimizer=optimizer).replace("test_accuracy", metric)
        (tmp_path / f"{i}.yaml").write_text(study.replace("study: example", f"study: example{i}"))
    script = """
from study.engine.inputs.prepare import prepare
from study.plan.workflow.dag import Dag
from study.run.job import run
for i in range(4):
    dag = Dag.build({"study": f"{i}.yaml", "results": f"results{i}"})
    for identity, dataset in dag.plan.datasets.items():
        prepare(dataset, dag.store.dataset(identity))
    for job in dag.jobs.values():
        assert run(job, dag.store) == []
"""
    python(tmp_path, "-c", script)
    for i in range(4):
        runs = pd.concat([pd.read_parquet(path) for path in tmp_path.glob(f"results{i}/arms/*/runs-0-1.parquet")])
        assert runs["status"].tolist() == ["finished"] * 4
        assert runs["learned"].all()


COUNTED = """

class Drops(Dataset):
    name: Literal["drops"] = "drops"
    known_task = "counts"
    known_rows = 120

    def load(self) -> Raw:
        import numpy as np

        draw = np.random.default_rng(0)
        features = draw.normal(size=(120, 3))
        return Raw(features, draw.poisson(np.exp(features[:, 0])).astype(float), "counts")
"""


def test_a_new_task_is_one_class(tmp_path: Path) -> None:
    paste(tmp_path, "Add a task")
    with (tmp_path / "study" / "axes" / "dataset.py").open("a") as file:
        file.write(COUNTED)
    study = STUDY.format(dataset="drops", optimizer="{name: sgd, lr: 0.1}").replace("epochs: 2", "epochs: 20")
    (tmp_path / "example.yaml").write_text(study.replace("test_accuracy", "test_loss"))
    (tmp_path / "wrong.yaml").write_text(study)
    script = """
import pandas as pd
from study.__main__ import main
from study.engine.inputs.prepare import prepare
from study.plan.workflow.dag import Dag
from study.run.job import run
from study.show.records import gather
assert main(["check", "wrong.yaml"]) == 2
dag = Dag.build({"study": "example.yaml"})
for identity, dataset in dag.plan.datasets.items():
    prepare(dataset, dag.store.dataset(identity))
for job in dag.jobs.values():
    assert run(job, dag.store) == []
dag.plan.write(dag.store, {})
assert main(["draw", "example.yaml"]) == 0
"""
    python(tmp_path, "-c", script)
    summary = pd.read_parquet(tmp_path / "results" / "studies" / "example" / "summary.parquet")
    assert set(summary["unit"]) == {"nats"}
    assert (summary["estimate"] < 0.9).all()  # always to say the mean comes to 1


def test_a_new_metric_is_one_record(tmp_path: Path) -> None:
    """It is planned, tabled, drawn, judged and in the schema, and no other file of the package knows of it."""
    paste(tmp_path, "Add a metric")
    study = STUDY.format(dataset="wine", optimizer="{name: sgd, lr: 0.1}").replace("seeds: 2", "seeds: 8")
    claim = "{metric: loss_gap, better: dropout=0, than: dropout=0.1, margin: 0.05}"
    study = study.replace("metrics: [test_accuracy]", f"metrics: [loss_gap], claims: [{claim}]")
    (tmp_path / "example.yaml").write_text(study)
    script = """
from pathlib import Path
from study.__main__ import main
from study.plan.file import reference
from study.plan.file.expand import prepare
from study.store.layout import Store
from tests.show.records import records, stored
plan = prepare(Path("example.yaml"), Store("results"))
found = records(plan)
found.runs["test_loss"] = found.runs["train_loss"] + 0.1 + 0.2 * found.runs["dropout"] * 10 + found.runs["seed"] / 1000
path, _ = stored(plan, found, Path("results"))
assert main(["report", str(path)]) == 0
assert '"loss_gap"' in reference.schema()
"""
    python(tmp_path, "-c", script, path=[ROOT])
    folder = tmp_path / "results" / "studies" / "example"
    summary = pd.read_parquet(folder / "summary.parquet").set_index("label")
    assert summary["estimate"].to_dict() == pytest.approx({"dropout=0": 0.1035, "dropout=0.1": 0.3035})
    assert set(summary["unit"]) == {"nats"}
    [row] = pd.read_parquet(folder / "claims.parquet").to_dict("records")
    assert (row["verdict"], row["estimate"]) == ("supported", pytest.approx(0.2))
    assert row["reason"].startswith("smaller by 0.20 nats in each of 8 pairs")
    page = (folder / "report.html").read_text()
    assert "dropout=0: smaller gap of losses than dropout=0.1, by more than 0.05 nats" in page
    assert "0.20 nats" in page


def test_a_new_panel_and_a_new_figure_are_one_class_each(tmp_path: Path) -> None:
    paste(tmp_path, "Add a panel", "Add a figure")
    text = STUDY.format(dataset="wine", optimizer="{name: sgd, lr: 0.1}")
    text += "  two: {vary: {dropout: [0.1, 0]}, metrics: [test_loss], seeds: 5}\n"
    (tmp_path / "example.yaml").write_text(
        text.replace("[test_accuracy]", "[test_accuracy, weight_norm, train_loss, test_loss]")
    )
    plan = prepare(tmp_path / "example.yaml", Store(tmp_path / "results"))
    path, _ = stored(plan, records(plan), tmp_path / "results")
    script = f"""
from pathlib import Path
from study.__main__ import main
from study.plan.file.expand import prepare
from study.show.figures.figure import Losses
from study.store.layout import Store
from tests.show.records import figure_data, records
plan = prepare(Path("example.yaml"), Store("results"))
canvas, _ = Losses().draw(plan, evidence := figure_data(plan, records(plan)), None)
[ax] = canvas.axes
assert [len(dots.get_offsets()) for dots in ax.collections] == [2, 2]  # of this comparison's seeds
assert [dots.get_label() for dots in ax.collections] == evidence.labels
assert main(["report", {str(path)!r}]) == 0
"""
    python(tmp_path, "-c", script, path=[ROOT])
    drawn = (path.parent / "figures" / "results" / "one.svg").read_text()
    assert "share of seeds" in drawn
    assert "Weight norm. Share of the seeds at or below each value." in drawn
    assert "Every run that has both is a dot." in (path.parent / "figures" / "losses" / "one.svg").read_text()
    assert "Figure of its losses: One" in path.with_name("report.html").read_text()
