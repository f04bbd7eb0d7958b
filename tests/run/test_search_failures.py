"""A search whose training fails: too little memory, and anything else."""

import pytest
import torch

from study.engine.pack import train
from study.run import packs as running
from tests.run.conftest import frame
from tests.run.test_search import rows, run, trained


@pytest.mark.parametrize("on", ["CPU", "GPU"])
def test_what_does_not_fit_into_memory_together_is_trained_apart(searched, monkeypatch, on):
    def scarce(runs, *arguments, **keywords):
        if len(runs) > 2 or runs[0].recipe.optimizer.lr == 1.0:
            if on == "GPU":
                raise torch.OutOfMemoryError("CUDA out of memory")
            torch.empty(2**60)  # more than any machine has
        return train(runs, *arguments, **keywords)

    store, search = searched(extend=0)
    run(store, search)
    plenty = rows(store, search)
    store.search(search.id).unlink()
    monkeypatch.setattr(running, "train", scarce)
    with pytest.raises(RuntimeError, match=r"(out of|allocate) memory.*; with .*lr.*1.*, alone: give it more memory"):
        run(store, search)
    some = frame(store, search)
    fits = plenty["optimizer.lr"] < 1
    assert some["val_loss"].tolist() == plenty.loc[fits, "val_loss"].tolist()
    monkeypatch.undo()
    found = trained(monkeypatch)
    run(store, search)
    assert {recipe.optimizer.lr for pack in found for recipe, _ in pack} == {1.0}  # what was tried is not tried again
    assert rows(store, search)["val_loss"].tolist() == plenty["val_loss"].tolist()


def test_other_errors_in_training_fail_the_search(searched, monkeypatch):
    def broken(runs, *arguments, **keywords):
        raise RuntimeError("shapes do not agree")

    monkeypatch.setattr(running, "train", broken)
    store, search = searched()
    with pytest.raises(RuntimeError, match="shapes do not agree"):
        run(store, search)
    assert not store.search(search.id).exists()
