"""Snakemake, and the commands that its rules call, in processes forked from one that has loaded what they need.

Most of a small study's time is the loading of the same modules by every one of its processes. Tests of what Snakemake
does with records take these; what is about processes (signals, imports, other folders) takes ones that begin anew.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOADED = (
    "evenhand", "snakemake.cli", "snakemake_logger_plugin_rich", "study.plan.workflow.dag", "torch._dynamo",
    "study.run.verbs", "study.run.job", "study.run.timing", "study.run.estimate", "study.engine.inputs.prepare",
    "study.show.verbs", "study.show.figures.data", "study.show.figures.panel", "study.show.page.report",
)  # fmt: skip
CLIENT = """#!{python} -IS
import json, os, socket, sys
there = []
for number in range(4):
    try:
        os.fstat(number)
        there.append(number)
    except OSError:
        pass
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    program = os.path.basename(sys.argv[0])
    about = {{"program": program, "arguments": sys.argv[1:], "folder": os.getcwd(), "numbers": there}}
    socket.send_fds(server, [b" "], there)
    server.sendall(json.dumps(about | {{"environment": dict(os.environ)}}).encode())
    server.shutdown(socket.SHUT_WR)
    said = server.recv(9)
sys.exit(int(said) if said else 137)
"""


@cache
def started() -> Path:
    """The folder of the process that others are forked from: it lives as long as this one."""
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    for program in ("evenhand", "snakemake"):
        client = folder / "bin" / program
        client.write_text(CLIENT.format(python=sys.executable, address=str(folder / "socket")))
        client.chmod(0o755)
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, __file__, str(folder)]
    server = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
    )
    atexit.register(shutil.rmtree, folder)
    atexit.register(server.communicate)  # is called first
    assert server.stdout
    assert server.stdout.readline() == "ready\n"
    return folder


def snakemake(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What ``python -m snakemake`` with ``arguments`` comes to."""
    about = {"program": "snakemake", "arguments": [*arguments], "folder": os.getcwd(), "numbers": [0, 1, 2]}
    with (
        socket.socket(socket.AF_UNIX) as server,
        Path(os.devnull).open() as nothing,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        server.connect(str(started() / "socket"))
        server.settimeout(300)
        socket.send_fds(server, [b" "], [nothing.fileno(), out.fileno(), err.fileno()])
        server.sendall(json.dumps(about | {"environment": dict(environment)}).encode())
        server.shutdown(socket.SHUT_WR)
        said = server.recv(9)
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess([*arguments], int(said) if said else 137, out.read(), err.read())


def serve(folder: Path) -> None:
    """Fork a process for each call, until whoever started this has ended."""
    gc.disable()
    for name in LOADED:
        __import__(name)
    gc.freeze()
    gc.enable()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen()
        print("ready", flush=True)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if not os.fork():
                listener.close()
                answer(connection, folder)
            connection.close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def answer(connection: socket.socket, folder: Path) -> None:
    """Be the process that was asked for."""
    _, received, *_ = socket.recv_fds(connection, 1, 4)
    about = json.loads(b"".join(iter(lambda: connection.recv(2**16), b"")))
    # Out of the way of where they go to.
    received = [fcntl.fcntl(at, fcntl.F_DUPFD_CLOEXEC, 20) for at in received]
    connection = socket.socket(fileno=fcntl.fcntl(connection.detach(), fcntl.F_DUPFD_CLOEXEC, 20))
    os.closerange(3, 20)
    for number, at in zip(about["numbers"], received, strict=True):
        os.dup2(at, number)
        os.close(at)
    os.chdir(about["folder"])
    os.environ.clear()
    os.environ.update(about["environment"])
    sys.argv, sys.executable = [about["program"], *about["arguments"]], str(folder / "bin" / "python")
    status = 1

    def told() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(status).encode())

    atexit.register(told)  # after all that is registered from now on
    try:
        if about["program"] == "snakemake":
            from snakemake.cli import main

            main()
            status = 0
        else:
            from evenhand import main as evenhand

            status = evenhand()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    sys.exit(status)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
