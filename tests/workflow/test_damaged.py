"""Records that rot, or are put in the wrong place: found, set aside, trained again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from study.__main__ import main
from tests.workflow.conftest import Place
from tests.workflow.test_end_to_end import arm_of


def rot(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)


def swap(path: Path) -> None:
    """That of another arm, under its name."""
    [other] = (each for each in path.parents[1].glob(f"*/{path.name}") if each != path)
    shutil.copy(other, path)


def tables(place: Place) -> dict[str, pd.DataFrame]:
    names = ("runs", "curves", "summary")
    found = {name: pd.read_parquet(place.results / "studies" / "smoke" / f"{name}.parquet") for name in names}
    varying = {"started_at", "seconds", "host", "pack", "commit"}
    return {name: frame.drop(columns=varying & {*frame.columns}) for name, frame in found.items()}


@pytest.mark.parametrize("changes", [{"runs": rot, "curves": swap}, {"runs": swap, "curves": rot}])
def test_it_is_trained_again(place: Place, changes: dict[str, Callable[[Path], None]]) -> None:
    """One file of each arm is damaged, the other is not; and a recipe."""
    before = tables(place)
    arms = {"runs": arm_of(place, "adam"), "curves": arm_of(place, "sgd")}
    paths = {name: place.results / "arms" / arm / f"{name}-0-2.parquet" for name, arm in arms.items()}
    recipe = paths["runs"].with_name("recipe.json")
    written = recipe.read_bytes()
    paths["recipe"] = recipe
    for name, change in {**changes, "recipe": changes["runs"]}.items():
        change(paths[name])
    done = place.snakemake()
    text = done.stderr + done.stdout
    assert done.returncode == 0, text
    for path in paths.values():
        assert text.count(f"{path.relative_to(place.folder)}: is ") == 1
        assert path.with_name(f"{path.name}.damaged").exists()
    assert recipe.read_bytes() == written
    for table, frame in tables(place).items():
        pd.testing.assert_frame_equal(frame, before[table])
    assert place.jobs() == {}


def test_a_report_alone_says_what_is_missing_until_it_is_there(place: Place) -> None:
    arm = arm_of(place, "adam")
    rot(place.results / "arms" / arm / "curves-0-2.parquet")
    for _ in range(2):
        done = place.snakemake(config="cached=true")
        text = done.stderr + done.stdout
        assert done.returncode == 1, text
        assert f"DAMAGED {place.results}/arms/{arm}/curves-0-2.parquet.damaged: what it held is missing" in text
        assert "(3 of 6 runs)" in text
        runs = tables(place)["runs"].set_index("arm").loc[arm]
        assert runs["status"].tolist() == ["missing"] * 3
        page = (place.results / "studies" / "smoke" / "report.html").read_text()
        assert "its records were damaged: curves-0-2.parquet.damaged" in page
    assert place.snakemake().returncode == 0
    assert place.snakemake(config="cached=true").returncode == 0


def test_what_is_drawn_is_verified(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(place.results)]) == 0
    folder = place.results / "studies" / "smoke"
    rotten = [folder / "report.html", next((folder / "tables").glob("*.csv")), next(folder.rglob("*.svg"))]
    for path in rotten:
        rot(path)
    capsys.readouterr()
    assert main(["verify", str(place.results)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert sorted(said) == sorted(
        f"{path}: has changed since it was drawn; delete it, and run the study" for path in rotten
    )
    for path in rotten:
        path.unlink()
    assert place.snakemake().returncode == 0
    assert main(["verify", str(place.results)]) == 0


def test_tables_of_a_study_are_made_again(place: Place) -> None:
    before = tables(place)
    for name in ("runs", "summary", "claims"):
        rot(place.results / "studies" / "smoke" / f"{name}.parquet")
    done = place.snakemake()
    assert done.returncode == 0, done.stderr
    for table, frame in tables(place).items():
        pd.testing.assert_frame_equal(frame, before[table])
