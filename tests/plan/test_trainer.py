"""Scripts of a person's own in a study file: what is refused, what enters an id, how their runs are cut into jobs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.axes.trainer import Command
from study.plan.jobs import jobs
from study.plan.limits import Limits
from study.plan.plan import Plan
from study.store.layout import Store

RUN = "python train.py --recipe {recipe} --seed {seed} --log {log}"
SCRIPT = '''"""Trains."""
import helper
def main():
    """Begin here."""
    print(1 +   2)  # a remark
'''
OURS = {"dataset": "wine", "network": "linear", "optimizer": {"name": "sgd", "lr": 1.0}, "batch_size": 8, "epochs": 3}
Check = Callable[[Any], tuple[int, str, list[str]]]
Planned = Callable[[Any], Plan]


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Any]:
    """A study of a script in tmp_path, in which nothing but the trainer is given."""
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "helper.py").write_text("x = 1\n")
    (tmp_path / "base.json").write_text("{}")
    return {
        "study": "own",
        "baseline": {"trainer": {"name": "command", "run": RUN, "settings": {"lr": 0.1, "width": 8}}},
        "seeds": 3,
        "comparisons": {"a": {"vary": {"trainer.settings.width": [8, 16]}, "metrics": ["test_accuracy"]}},
    }


def trainer(study: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = study["baseline"]["trainer"]
    return found


def test_no_axis_but_the_trainer_is_needed(check: Check, own: dict[str, Any]) -> None:
    code, out, err = check(own)
    assert (code, err) == (0, [])
    assert "  a  2 arms × 3 seeds" in out.splitlines()
    assert "In all: 6 runs" in out.splitlines()


MISTAKES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no script": (
        lambda s: trainer(s).update(run=RUN.replace("train.py", "trian.py")),
        "baseline.trainer.run: there is no file 'trian.py'; give a path relative to the study file",
    ),
    "no program": (
        lambda s: trainer(s).update(run=RUN.replace("python", "pythn")),
        "baseline.trainer.run: 'pythn' is no program that can be run here; install it, or give its path",
    ),
    "unknown placeholder": (
        lambda s: trainer(s).update(run=f"{RUN} {{sede}}"),
        "baseline.trainer.run: '{sede}' is not a placeholder; did you mean '{seed}'?",
    ),
    "no placeholder": (
        lambda s: trainer(s).update(run="python train.py --log {log}"),
        f"baseline.trainer.run: has no {{recipe}}, {{seed}}; write it such as '{RUN}'",
    ),
    "open quote": (
        lambda s: trainer(s).update(run=f"{RUN} 'there"),
        "baseline.trainer.run: is no command line (No closing quotation); close what is quoted",
    ),
    "no command": (
        lambda s: trainer(s).pop("run"),
        "baseline.trainer: 'command' needs 'run', which has no default; write {name: command, run: …}",
    ),
    "misspelt": (
        lambda s: trainer(s).update(name="comand"),
        "baseline.trainer.name: 'comand' is not a trainer; did you mean 'command'?",
    ),
    "timeout": (
        lambda s: trainer(s).update(timeout=0),
        "baseline.trainer.timeout: 0 is refused; give a number above 0",
    ),
    "other code": (
        lambda s: trainer(s).update(code="abc"),
        "baseline.trainer.run: the code of its files is 86c3, not abc; correct it, or restore the files",
    ),
    "homeless": (
        lambda s: s["comparisons"]["a"].update(vary={"optimizer.lr": [0.1, 0.2]}),
        "comparisons.a.vary.optimizer.lr: there is no optimizer to set it of; give one in the baseline",
    ),
    "homeless in the baseline": (
        lambda s: s["baseline"].update({"network.hidden": [3]}),
        "baseline.network.hidden: there is no network to set it of; give one in the baseline",
    ),
    "twice": (
        lambda s: (trainer(s)["settings"].update(batch_size=3), s["baseline"].update(batch_size=4)),
        "baseline.batch_size: 'batch_size' is a setting of the script, too; give it in one place",
    ),
    "the engine has no data": (
        lambda s: s["comparisons"]["a"].update(vary={"trainer": ["engine", trainer(s)]}),
        "comparisons.a.vary.trainer[0]: the engine needs 'dataset'; give one, or a trainer of your own, "
        "or leave the combination out by 'skip:'",
    ),
    "timed": (
        lambda s: s["comparisons"]["a"].update(metrics=["step_seconds"]),
        "comparisons.a.metrics[0]: 'step_seconds' is timed step by step, which a script is not; use script_seconds",
    ),
    "of scripts only": (
        lambda s: (
            s.update(baseline={**OURS, "trainer": "engine"}),
            s["comparisons"]["a"].update(vary={"epochs": [1, 2]}, metrics=["script_seconds"]),
        ),
        "comparisons.a.metrics[0]: 'script_seconds' is of a trainer that is a script; use train_seconds",
    ),
    "a timeout is no arm": (
        lambda s: s["comparisons"]["a"].update(vary={"trainer.timeout": [1, 2]}),
        "comparisons.a.vary.trainer.timeout[1]: makes the same arm as comparisons.a.vary.trainer.timeout[0]; keep one",
    ),
    "a timeout is not tuned": (
        lambda s: s.update(tune={"trainer.timeout": {"values": [1, 2]}}),
        "tune.trainer.timeout: 'timeout' is no number; compare its values by 'vary:'",
    ),
    "another setting": (
        lambda s: s["comparisons"]["a"].update(vary={"trainer.lr": [1, 2]}),
        "comparisons.a.vary.trainer.lr: 'lr' is not a setting of any trainer; known: run, timeout, code",
    ),
    "engine": (
        lambda s: s["baseline"].update(trainer="engine"),
        "baseline.batch_size: is missing; give a whole number",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_in_one_line(
    check: Check, own: dict[str, Any], monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    monkeypatch.setattr(Command, "digest", lambda self, folder, *sums: [*self.files(folder)] and "86c3")
    change, line = MISTAKES[mistake]
    change(own)
    code, _, err = check(own)
    assert code == 2
    assert f"s.yaml: {line}" in err


def only(plan: Plan) -> str:
    return next(iter(plan.arms))


@pytest.mark.parametrize(
    ("file", "text", "same"),
    [
        ("train.py", SCRIPT.replace("  # a remark", "").replace("1 +   2", "1 + 2"), True),
        ("train.py", SCRIPT.replace("Begin here.", "Here it begins.").replace("Trains.", "Learns."), True),
        ("train.py", SCRIPT.replace("1 +", "2 +"), False),
        ("helper.py", "x = 1  # one\n", True),
        ("helper.py", "x = 2\n", False),
        ("base.json", "{ }", False),
        ("other.json", "{}", True),
        ("train.py", "not valid: here", False),
    ],
)
def test_an_id_is_of_what_the_files_do(
    plan: Planned, own: dict[str, Any], tmp_path: Path, file: str, text: str, same: bool
) -> None:
    trainer(own)["run"] = f"{RUN} --config=base.json"
    before = only(plan(own))
    from study.axes.code import of_script

    of_script.cache_clear()  # kept in one process
    (tmp_path / file).write_text(text)
    assert (only(plan(own)) == before) is same


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"timeout": 60}, True),
        ({"run": f"{RUN} --fast"}, False),
        ({"settings": {"lr": 0.2, "width": 8}}, False),
        ({"settings": {"width": 8, "lr": 0.1}}, True),
        ({"settings": {"lr": 0.1, "width": 8, "more": None}}, False),
    ],
    ids=str,
)
def test_an_id_is_of_the_command_and_the_settings(
    plan: Planned, own: dict[str, Any], change: dict[str, Any], same: bool
) -> None:
    before = only(plan(own))
    trainer(own).update(change)
    assert (only(plan(own)) == before) is same


@pytest.mark.parametrize(
    ("module", "files", "edited"),
    [
        ("lab.fit", {"lab/fit.py": ""}, "lab/fit.py"),
        ("lab", {"lab/__init__.py": "", "lab/__main__.py": "from .fit import main", "lab/fit.py": ""}, "lab/fit.py"),
        ("lab", {"lab/__main__.py": "import lab.fit", "lab/__init__.py": "", "lab/fit.py": ""}, "lab/__main__.py"),
        ("lab.deep", {"lab/deep/__main__.py": "from ..fit import main", "lab/fit.py": ""}, "lab/fit.py"),
    ],
)
def test_a_module_is_run_too(
    module: str, files: dict[str, str], edited: str, plan: Planned, own: dict[str, Any], tmp_path: Path
) -> None:
    from study.axes.code import of_script

    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\nx = 1")
    trainer(own)["run"] = f"python -m {module} {{recipe}} {{seed}} {{log}}"
    before = only(plan(own))
    (tmp_path / edited).write_text(f"{files[edited]}\nx = 2")
    of_script.cache_clear()
    assert only(plan(own)) != before


def test_what_a_script_is_told(plan: Planned, own: dict[str, Any]) -> None:
    """Settings by their names; other axes where the study gives them, whole."""
    own["baseline"] |= {"optimizer": {"name": "adam", "lr": 0.1}, "dropout": 0.5}
    recipe = plan(own).arms[only(plan(own))].outline
    adam = {"name": "adam", "lr": 0.1, "betas": [0.9, 0.999], "eps": 1e-8}
    assert json.loads(json.dumps(recipe.told())) == {"lr": 0.1, "width": 8, "optimizer": adam, "dropout": 0.5}
    columns = recipe.columns()
    assert (columns["optimizer"], columns["dropout"], columns["trainer"]) == ("adam", 0.5, "train.py")
    assert columns["activation"] is None  # nobody knows


def test_every_run_is_a_unit_and_jobs_keep_devices_busy(plan: Planned, own: dict[str, Any], tmp_path: Path) -> None:
    made = plan(own)
    to_do = jobs(made, Store(tmp_path / "results"), Limits(cores=2))
    assert [len(job.blocks) for job in to_do] == [3, 3]
    assert {len(unit.block.seeds) for job in to_do for unit in job.blocks} == {1}
    assert not any(job.datasets for job in to_do)
    assert made.datasets == {}


def test_what_earlier_runs_took_cuts_the_next_jobs(plan: Planned, own: dict[str, Any], tmp_path: Path) -> None:
    made, store = plan(own), Store(tmp_path / "results")
    [arm, *_] = made.arms.values()
    pack = {"pace": arm.outline.pace, "runs": 4, "steps": 0, "seconds": 2.0, "resumed": False}
    store.receipt("0" * 12).parent.mkdir(parents=True)
    store.receipt("0" * 12).write_text(json.dumps({"packs": [pack]}))
    assert len(jobs(made, store, Limits(cores=2))) == 1  # of three seconds in all


def test_the_engine_and_a_script_are_compared(check: Check, own: dict[str, Any]) -> None:
    own["comparisons"]["a"] = {
        "arms": [{"trainer": "engine", **OURS}, {"label": "theirs", "trainer.settings.lr": 0.3}],
        "metrics": ["test_accuracy"],
    }
    code, out, _ = check(own)
    assert code == 0
    assert "In all: 6 runs, 126 steps" in out


@pytest.mark.parametrize(
    ("run", "name"),
    [
        (RUN, "train.py"),
        ("Rscript lab/fit.R {recipe} {seed} {log}", "fit.R"),
        ("python -m lab.fit {recipe} {seed} {log}", "lab.fit"),
        ("/opt/bin/fit {recipe} {seed} {log}", "fit"),
    ],
)
def test_a_trainer_is_called_by_its_script(run: str, name: str) -> None:
    assert Command(run=run).title == name


def test_two_scripts_are_compared_by_their_names(plan: Planned, own: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("x = 1")
    runs = [RUN, RUN.replace("train.py", "other.py")]
    own["comparisons"]["a"]["vary"] = {"trainer": [{"name": "command", "run": run} for run in runs]}
    assert [arm.label for arm in plan(own).comparisons[0].arms] == ["train.py", "other.py"]
