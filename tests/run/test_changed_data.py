"""Data that changed under the same name, size and times: never stored under the id of what was planned."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from study.axes.dataset import Dataset
from study.axes.datasets.raw import Raw, Unfit
from study.axes.datasets.table import Table
from study.axes.recipe import id_of_data
from study.engine.inputs.prepare import prepare
from study.store.checksums import Sums

OLD = "x,y\n" + "1.5,a\n2.5,b\n3.5,b\n" * 9
NEW = OLD.replace("2.5", "9.5")


def in_place(source: Path, new: Path) -> None:
    """As ``rsync --inplace -t``."""
    with source.open("r+") as file:
        file.write(new.read_text())
    shutil.copystat(new, source)


def renamed(source: Path, new: Path) -> None:
    """As ``rsync -t`` and ``mv``."""
    os.replace(new, source)


def copied(source: Path, new: Path) -> None:
    """As ``cp -p``, and a restore."""
    shutil.copy2(new, source)


def removed_and_made(source: Path, new: Path) -> None:
    """As ``tar -x``."""
    source.unlink()
    shutil.copy2(new, source)


def linked(source: Path, new: Path) -> None:
    """A link that leads elsewhere now."""
    source.unlink()
    source.symlink_to(new)


def hard_linked(source: Path, new: Path) -> None:
    source.unlink()
    os.link(new, source)


def swapped(source: Path, new: Path) -> None:
    aside = source.with_suffix(".aside")
    os.replace(source, aside)
    os.replace(new, source)
    os.replace(aside, new)


def behind_a_lying_clock(source: Path, new: Path) -> None:
    """All that a file tells of itself is as it was: what is remembered is of what was there before."""
    copied(source, new)
    memory = source.parent / "sums.json"
    known, status = json.loads(memory.read_text()), source.stat()
    known["t.csv"][:-1] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    memory.write_text(json.dumps(known))


WAYS = [in_place, renamed, copied, removed_and_made, linked, hard_linked, swapped, behind_a_lying_clock]


def plan(folder: Path) -> Dataset:
    sums = Sums(folder / "sums.json")
    found = sums.resolve(Table(path="t.csv", target="y"), folder)
    sums.keep()
    return found


def both(folder: Path) -> tuple[Path, Path]:
    source, new = folder / "t.csv", folder / "new.csv"
    source.write_text(OLD)
    new.write_text(NEW)
    os.utime(source, ns=(10**18, 10**18))
    os.utime(new, ns=(10**18, 10**18))
    return source, new


@pytest.mark.parametrize("change", WAYS)
def test_what_is_prepared_is_what_was_planned(change: Callable[[Path, Path], None], tmp_path: Path) -> None:
    source, new = both(tmp_path)
    planned = plan(tmp_path)
    change(source, new)
    assert (source.read_text(), source.stat().st_size, source.stat().st_mtime_ns) == (NEW, len(OLD), 10**18)
    with pytest.raises(Unfit) as refused:
        prepare(planned, tmp_path / "p.npz")
    for text in (OLD, NEW):  # both sums are told
        assert hashlib.sha256(text.encode()).hexdigest() in str(refused.value)
    assert not (tmp_path / "p.npz").exists()
    if change is not behind_a_lying_clock:
        assert id_of_data(plan(tmp_path)) != id_of_data(planned)  # the next plan is of what is there


@pytest.mark.parametrize("stage", ["planned", "prepared"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, new = both(tmp_path)
    planned = plan(tmp_path) if stage == "prepared" else None
    load = Table.load

    def and_change(self: Table) -> Raw:
        raw = load(self)
        renamed(source, new)
        return raw

    monkeypatch.setattr(Table, "load", and_change)
    with pytest.raises(Unfit, match="when it was planned"):
        _ = prepare(planned, tmp_path / "p.npz") if planned else plan(tmp_path)
    assert not (tmp_path / "p.npz").exists()
    monkeypatch.setattr(Table, "load", load)
    assert plan(tmp_path).model_dump()["sha256"] == hashlib.sha256(NEW.encode()).hexdigest()
