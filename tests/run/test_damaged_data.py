"""Prepared datasets that are not what was prepared."""

from random import Random

import pytest
import torch

from study.axes.dataset import Wine
from study.engine.inputs.data import load
from study.engine.inputs.prepare import prepare
from study.errors import Damaged
from study.run.packs import loaded
from study.store.layout import Store
from study.store.seal import check_archive


@pytest.mark.parametrize("change", ["cut", "flipped"])
def test_a_prepared_file_that_is_damaged_is_refused_wherever_it_is(change, tmp_path):
    """By who plans what to prepare, and by who reads it; else it is what it was."""
    path, rng = tmp_path / "prepared.npz", Random(0)
    prepare(Wine(), path)
    whole, content = load(path), path.read_bytes()
    ends = [*range(60), *range(len(content) - 500, len(content))]  # where the archive says what is in it
    for i in range(100):
        place = rng.choice(ends) if i % 2 else rng.randrange(len(content))
        flipped = bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]
        path.write_bytes(content[:place] + flipped * (change == "flipped"))
        try:
            check_archive(path)
        except Damaged:
            with pytest.raises(Damaged, match=r"is damaged; it is now prepared.npz.damaged"):
                load(path)
            assert not path.exists()  # so that it is prepared again
        else:
            found = load(path)
            assert all(torch.equal(one.x, other.x) for one, other in zip(found[3:6], whole[3:6], strict=True))
            assert all(torch.equal(one.y, other.y) for one, other in zip(found[3:6], whole[3:6], strict=True))


def test_who_comes_after_a_damaged_one_was_set_aside_is_told_in_a_line(tmp_path):
    store, name, cpu = Store(tmp_path), "0a1b2c3d4e5f", torch.device("cpu")
    prepare(Wine(), store.dataset(name))
    store.dataset(name).write_bytes(b"")
    for why in ("is damaged; it is now", "is not there; the next run of the study makes it again"):
        with pytest.raises(Damaged, match=f"{name}.npz: {why}"):
            loaded(store, name, cpu)


def test_a_prepared_file_of_another_dataset_is_refused(tmp_path):
    path = tmp_path / "0a1b2c3d4e5f.npz"
    prepare(Wine(), path)
    load(path)
    with pytest.raises(ValueError, match=r"ffffffffffff.npz: is not its own: it holds dataset 0a1b2c3d4e5f; it is now"):
        load(path.rename(tmp_path / "ffffffffffff.npz"))
