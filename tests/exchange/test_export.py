"""`evenhand export`: one zip that holds all that a report is drawn from; and drawing into another folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.version import Version
from ruamel.yaml import YAML

from study.__main__ import main
from study.commit import commit
from study.plan.history import state
from study.plan.plan import Plan
from study.store.layout import Block, Store
from tests.exchange.conftest import filled

Made = Callable[..., tuple[Plan, Store]]
Command = Callable[..., tuple[int, str]]
ROOT = Path(__file__).parents[2]


def contents(folder: Path) -> dict[str, bytes]:
    """Of all files but hidden ones."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test that needs it draws what the others copy."""
    return tmp_path_factory.mktemp("export") / "results"


@pytest.fixture
def drawn(made: Made, once: Path, tmp_path: Path) -> tuple[Plan, Store, Path]:
    """A store with a report, one seed of which failed."""
    plan, store = made(blocks=(Block(0, 4),))
    if not once.exists():
        arm = next(iter(plan.arms))
        filled(store, next(reversed(plan.arms)), Block(5, 5))
        store.failed(arm, Block(5, 5)).write_text('{"reason": "ValueError: no", "log": "l"}\n', encoding="utf-8")
        state(plan, store)
        assert main(["draw", str(store.study("small") / "plan.json"), "--processes", "1"]) == 0
        store.root.rename(once)
    shutil.copytree(once, store.root, dirs_exist_ok=True)
    plan.write(store, plan.arms)
    return plan, store, tmp_path / "small.yaml"


@pytest.fixture
def unzipped(drawn: tuple[Plan, Store, Path], evenhand: Command, tmp_path: Path) -> Iterator[Path]:
    """What was exported, unzipped, where nobody may write."""
    _, store, file = drawn
    status, said = evenhand("export", file, "--to", tmp_path / "x.zip", "--results", store.root)
    assert status == 0
    assert said.startswith(f"{tmp_path / 'x.zip'}: ")
    with ZipFile(tmp_path / "x.zip") as archive:
        archive.extractall(tmp_path / "elsewhere")
    folder = tmp_path / "elsewhere" / "small"
    shutil.rmtree(store.root)
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)


def test_it_holds_all_with_checksums(unzipped: Path) -> None:
    found = contents(unzipped)
    assert {"README.md", "environment.txt", "SHA256SUMS", "study/small.yaml"} <= {*found}
    assert {f"results/studies/small/{name}" for name in ("report.html", "plan.json", "history.json")} <= {*found}
    sums = dict(reversed(line.split("  ")) for line in found.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}
    versions = found["environment.txt"].decode()
    assert "\ntorch==2.13.0  # here: 2.13.0+cpu\n" in versions or "\ntorch==2.13.0\n" in versions
    wanted = [line.partition("  #")[0] for line in versions.splitlines() if not line.startswith("#")]
    assert all(not Version(line.partition("==")[2]).local for line in wanted)  # PyPI has none of these
    readme = found["README.md"].decode()
    assert "pip install -r environment.txt ./evenhand\n" in readme
    assert f"git -C evenhand checkout {commit().rstrip('+')}\n" in readme
    assert "# runs: device CPU, torch 2.13.0+cpu" in versions
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=unzipped, check=True)


def test_the_report_is_drawn_from_it_into_another_folder(unzipped: Path, evenhand: Command, tmp_path: Path) -> None:
    """With the command of its README, which stands there as it can be run."""
    [line] = [line.strip() for line in (unzipped / "README.md").read_text().splitlines() if "evenhand draw" in line]
    before, again = contents(unzipped), tmp_path / "again"
    _, verb, plan, option, _ = line.split()
    assert evenhand(verb, unzipped / plan, option, again, "--processes", 1)[0] == 0
    assert contents(unzipped) == before
    old, new = (contents(folder / "studies") for folder in (unzipped / "results", again))
    assert {name for name in old if old[name] != new.get(name)} == set()
    assert "ValueError: no" in (again / "studies/small/report.html").read_text(encoding="utf-8")


def test_it_is_asked_as_any_store(unzipped: Path, evenhand: Command) -> None:
    where = ("--results", unzipped / "results")
    assert evenhand("why", unzipped / "study" / "small.yaml", *where)[0] == 0
    assert evenhand("show", "adam", *where)[0] == 0
    assert "supported" in evenhand("claims", unzipped / "study" / "small.yaml", *where)[1]


def test_the_same_results_make_the_same_file(
    drawn: tuple[Plan, Store, Path], evenhand: Command, tmp_path: Path
) -> None:
    _, store, file = drawn
    for name in ("one.zip", "two.zip"):
        assert evenhand("export", file, "--to", tmp_path / name, "--results", store.root)[0] == 0
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_what_is_no_report_of_it_is_refused(drawn: tuple[Plan, Store, Path], evenhand: Command, tmp_path: Path) -> None:
    plan, store, file = drawn
    goal = ("--to", tmp_path / "x.zip", "--results", store.root)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("seeds: 6", "seeds: 7"), encoding="utf-8")
    assert "is of another state of" in evenhand("export", file, *goal)[1]
    file.write_text(text, encoding="utf-8")
    filled(store, next(iter(plan.arms)), Block(5, 5))
    assert "is drawn from other records than" in evenhand("export", file, *goal)[1]
    (store.study("small") / "report.html").unlink()
    status, said = evenhand("export", file, *goal)
    assert (status, "there is no report yet; run it: " in said) == (2, True)
    assert not (tmp_path / "x.zip").exists()


def test_a_report_is_not_drawn_into_its_own_store(drawn: tuple[Plan, Store, Path], evenhand: Command) -> None:
    _, store, _ = drawn
    status, said = evenhand("draw", store.study("small") / "plan.json", "--into", store.root)
    assert (status, "is the store of that plan" in said) == (2, True)


@pytest.mark.parametrize("verb", ["draw", "merge", "export"])
def test_where_nothing_can_be_written_is_refused(
    drawn: tuple[Plan, Store, Path], evenhand: Command, tmp_path: Path, verb: str
) -> None:
    _, store, file = drawn
    (taken := tmp_path / "taken").write_text("a file\n", encoding="utf-8")
    plan = store.study("small") / "plan.json"
    words = {
        "draw": ["draw", plan, "--into", taken],
        "merge": ["merge", store.root, "--results", taken],
        "export": ["export", file, "--to", taken / "x.zip", "--results", store.root],
    }
    status, said = evenhand(*words[verb])
    assert status == 2
    assert said.startswith(f"{taken}")
    assert len(said.splitlines()) == 1
    assert taken.read_text(encoding="utf-8") == "a file\n"


def test_runs_that_others_trained_go_along(tmp_path: Path, evenhand: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    rows = [f"{optimizer},{seed},{0.9 + seed / 100 + bonus}" for optimizer, bonus in (("a", 0), ("b", 0.01))
            for seed in range(6)]  # fmt: skip
    (tmp_path / "data" / "sweep.csv").write_text("\n".join(["optimizer,seed,acc", *rows]) + "\n", encoding="utf-8")
    (tmp_path / "s.yaml").write_text(
        "study: s\ncomparisons: {a: {runs: {path: data/sweep.csv, label: [optimizer], seed: seed, "
        "metrics: {test_accuracy: acc}}, metrics: [test_accuracy]}}\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    from study.plan.workflow.dag import Dag

    Dag.build({"study": "s.yaml"})
    assert evenhand("draw", "results/studies/s/plan.json", "--processes", 1)[0] == 0
    assert evenhand("export", "s.yaml")[0] == 0
    with ZipFile("s.zip") as archive:
        archive.extractall("there")
    page = Path("results/studies/s/report.html").read_bytes()
    shutil.rmtree("data")
    shutil.rmtree("results")
    monkeypatch.chdir(ROOT)
    plan = tmp_path / "there/s/results/studies/s/plan.json"
    assert evenhand("draw", plan, "--into", tmp_path / "again", "--processes", 1)[0] == 0
    assert (tmp_path / "again/studies/s/report.html").read_bytes() == page


def test_code_of_ones_own_goes_along(planned: Made, made: Made, evenhand: Command, tmp_path: Path) -> None:
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "mylab" / "nets.py").write_text(
        "from torch import nn\n\ndef net(inputs, outputs):\n    return nn.Linear(inputs, outputs)\n", encoding="utf-8"
    )
    plan, file = planned(**{"{name: mlp, hidden: [8]}": '{name: custom, factory: "mylab.nets:net"}'})
    store = Store(tmp_path / "results")
    plan.write(store, plan.arms)
    for arm in plan.arms:
        filled(store, arm, Block(0, 5))
    assert evenhand("draw", store.study("small") / "plan.json", "--processes", 1)[0] == 0
    assert evenhand("export", file, "--to", tmp_path / "x.zip", "--results", store.root)[0] == 0
    with ZipFile(tmp_path / "x.zip") as archive:
        assert {"small/study/mylab/__init__.py", "small/study/mylab/nets.py"} <= {*archive.namelist()}


def test_the_citation_is_valid() -> None:
    cited = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= {*cited}
    from study import __version__

    assert cited["version"] == __version__
    assert os.path.exists(ROOT / "LICENSE")
