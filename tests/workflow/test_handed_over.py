"""A study is drawn again, byte for byte, however it came to where it is: the committed one from git, as a copy with
whatever times its files have, out of a zip file; any where nobody may write. Nothing is trained.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.workflow.conftest import ROOT, Place, WarmPlace

REFERENCE = Path("results/reference")
DRAWN = REFERENCE / "studies" / "article"


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


def contents(folder: Path) -> dict[str, bytes]:
    """Of the committed files of the study, as they are in ``folder``."""
    names = [name for name in tracked() if name.startswith(f"{REFERENCE}/")]
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def by_git(folder: Path) -> None:
    """A bare clone, with what is not committed yet: all files are as old as the clone."""
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{ROOT}", str(folder)], check=True)
    for name in tracked():
        shutil.copyfile(ROOT / name, _made(folder / name))


def by_copy(folder: Path) -> None:
    """cp -r: in whatever order, at whatever times; records seem younger than what is drawn from them, or older."""
    times = random.Random(0)
    names = tracked()
    times.shuffle(names)
    for name in names:
        shutil.copyfile(ROOT / name, _made(folder / name))
        moment = times.randrange(1, 2_000_000_000)
        os.utime(folder / name, (moment, moment))


def by_zip(folder: Path) -> None:
    """As GitHub's download: every file of the same time, which is that of the commit, or of 1980."""
    with ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for name in tracked():
            archive.writestr(name, (ROOT / name).read_bytes())
    with ZipFile(folder.with_suffix(".zip")) as archive:
        archive.extractall(folder)
    for name in tracked():
        os.utime(folder / name, (315_532_800, 315_532_800))


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


CONFIG = "results=results/reference cached=true"


def there(way: Callable[[Path], None], folder: Path) -> Place:
    """The study, come this way to where nothing was run before."""
    way(folder)
    assert not (folder / ".snakemake").exists()
    return WarmPlace(folder, "config/article.yaml")


@pytest.mark.parametrize("way", [by_git, by_copy, by_zip], ids=lambda way: way.__name__)
def test_it_is_to_be_drawn_and_nothing_else(way: Callable[[Path], None], tmp_path: Path) -> None:
    """Whatever the times of its files: what is drawn rests on their contents alone, as test_reference.py shows."""
    place = there(way, tmp_path / "there")
    before = contents(place.folder)
    assert place.jobs(CONFIG, "--forcerun", "collect") == {"collect": 1, "report": 1}
    assert contents(place.folder) == before


@pytest.fixture
def read_only(finished: Place, tmp_path: Path) -> Iterator[Place]:
    """Its files are of any times: records seem younger than what is drawn from them, or older."""
    place = finished.copy(tmp_path / "read only")
    paths = [place.folder, *place.folder.rglob("*")]
    times = random.Random(0)
    for path in paths:
        moment = times.randrange(1, 2_000_000_000)
        os.utime(path, (moment, moment))
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield place
    for path in paths:
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_it_is_drawn_from_where_nobody_may_write(read_only: Place, tmp_path: Path) -> None:
    before = {str(path): path.stat().st_mtime_ns for path in read_only.folder.rglob("*")}
    drawn = Path("studies") / "smoke"
    command = [sys.executable, "-m", "study", "draw", str(read_only.results / drawn / "plan.json"), "--into", "again"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {str(path): path.stat().st_mtime_ns for path in read_only.folder.rglob("*")} == before
    wanted = {
        path.relative_to(read_only.results): path.read_bytes()
        for kind in ("*.parquet", "tables/*", "figures/*/*", "report.html")
        for path in (read_only.results / drawn).glob(kind)
    }
    assert len(wanted) > 10
    assert {path for path, content in wanted.items() if (tmp_path / "again" / path).read_bytes() != content} == set()
