"""Scripts of a person's own whose job is ended: they go on from their checkpoint, or begin anew."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from study.engine.signals import Interrupted
from study.run.job import run
from study.store.layout import Store
from tests.run.scripts import Make, frames, job, lives

SLOW = """
done = int(open(checkpoint).read()) if os.path.exists(checkpoint) else 0
print("from", done, flush=True)
def stop(*_):
    print("asked to end", flush=True)
    sys.exit(1)
signal.signal(signal.SIGTERM, stop)
for epoch in range(done, 40):
    say(epoch=epoch, step=10 * epoch, val_loss=1 / (epoch + 1))
    open(checkpoint, "w").write(str(epoch + 1))
    if epoch == 5 and done == 0:
        say(epoch=6, val_loss=77)  # past its checkpoint
        open(os.environ["READY"], "w").write(str(os.getpid()))
        time.sleep(60)
"""


@pytest.mark.parametrize(
    ("how", "locks"),
    [(signal.SIGTERM, True), (signal.SIGUSR1, True), (signal.SIGKILL, True), (signal.SIGKILL, False)],
)
def test_a_job_that_is_ended_goes_on_from_the_checkpoint_of_its_script(
    script: Make, store: Store, tmp_path: Path, how: signal.Signals, locks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``locks``: whether they mean anything; some file systems grant them to everybody."""
    ready = tmp_path / "ready"
    recipe = script(SLOW)
    to_do = job(recipe, tmp_path, 0)
    to_do.write(store)
    process = subprocess.Popen(
        [sys.executable, "-m", "study", "job", str(store.job(to_do.id))],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"READY": str(ready), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    while not (ready.exists() and ready.read_text()):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(how)
    out, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert ("asked to end" in out) == (how != signal.SIGKILL)
    if not locks:
        monkeypatch.setattr(fcntl, "flock", lambda file, operation: None)
    assert run(to_do, store) == []
    assert not lives(ready.read_text())  # that of a job that was killed did not go on
    runs, curves = frames(store, recipe)
    assert curves["epoch"].tolist() == [*range(40)]
    assert curves["val_loss"].tolist() == [1 / (epoch + 1) for epoch in range(40)]
    assert runs["status"].tolist() == ["finished"]
    assert runs["seconds"].isna().all()  # of several starts nobody knows
    assert not [*store.checkpoints.glob("script-*")]


def test_without_a_checkpoint_a_killed_run_begins_anew(script: Make, store: Store, tmp_path: Path) -> None:
    recipe = script(
        """
        say(step=1, val_loss=1)
        if not os.path.exists("again"):
            open("again", "w").close()
            os.kill(os.getppid(), signal.SIGTERM)
            time.sleep(60)
        say(step=2, val_loss=2)
        """
    )
    with pytest.raises(Interrupted, match="SIGTERM"):
        run(job(recipe, tmp_path, 0), store)
    assert run(job(recipe, tmp_path, 0), store) == []
    assert frames(store, recipe)[1]["step"].tolist() == [1, 2]
