"""A real SLURM on this machine: munge, slurmctld and four nodes of four pretend GPUs, in a folder of its own.

With accounting, where a database is installed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.slurm import accounting, guard
from tests.slurm.accounting import where
from tests.slurm.guard import MARK

NODES, GPUS, CORES = 4, 4, 16
DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "srun", "squeue", "sinfo", "scontrol", "scancel", "sacct", "sacctmgr")
CONFIG = """
ClusterName=evenhand
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd-%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd-%n.log
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool-%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
{accounting}
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,bf_interval=5
EnforcePartLimits=ALL
ReturnToService=2
JobRequeue=1
KillWait=15
MinJobAge=600
GresTypes=gpu
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=120 State=UP
"""
NODE = (
    "NodeName=n{n} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} Boards=1 SocketsPerBoard=1 "
    "CoresPerSocket={cores} ThreadsPerCore=1 RealMemory=40000 Gres=gpu:pretend:{gpus} State=UNKNOWN"
)


def unavailable() -> str | None:
    """Why no SLURM can be started here; None where one can."""
    missing = [name for name in (*DAEMONS, *COMMANDS) if not where(name)]
    if missing:
        return f"SLURM is not installed here (apt-get install slurm-wlm munge): no {', '.join(missing)}"
    if os.geteuid() != 0:
        return "only root can start SLURM's node daemons"
    try:
        address = socket.gethostbyname(_host())
    except OSError:
        address = ""
    if not address.startswith("127."):
        return f"the name of this machine, {_host()}, is not one of its loopback addresses ({address or 'unknown'})"
    return None


class Cluster:
    """Started by ``start``. ``stop``, or the end of the process that started it, however it ends, kills all of it.

    All that belongs to it, its jobs included, carries its folder in the environment; a guard that outlives us kills
    that by process id.
    """

    def __init__(self, root: Path, accounted: bool = False) -> None:
        self.root, self.accounted, self.daemons = root, accounted, list[subprocess.Popen[bytes]]()
        self.environment = {
            **os.environ,
            MARK: str(root),
            "SLURM_CONF": str(root / "slurm.conf"),
            "PATH": f"{root / 'bin'}:{os.environ['PATH']}",
        }

    def start(self) -> None:
        command = [sys.executable, guard.__file__, str(self.root)]
        self.guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        self._configure()
        key = self.root / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        places = [f"--{name}={self.root}/munge.{name.partition('-')[0]}" for name in ("socket", "pid-file", "log-file")]
        # By force, because pytest's folders are closed to other users: munge wants its socket open to all.
        self.daemon(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--seed-file={self.root}/munge.seed", *places
        )
        self.until(lambda: (self.root / "munge.socket").exists())
        if self.accounted:
            accounting.start(self)
        self.daemon("slurmctld", "-D", "-i")
        for n in range(1, NODES + 1):
            self.daemon("slurmd", "-D", "-N", f"n{n}")
        self.until(
            lambda: self("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split() == [f"n{n + 1}" for n in range(NODES)]
        )

    def __call__(self, *command: str) -> str:
        """The standard output of one of SLURM's commands."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout

    def jobs(self) -> list[dict[str, str]]:
        """All jobs there have been, as ``scontrol show job`` tells them."""
        lines = self("scontrol", "show", "job", "--oneliner").splitlines()
        fields = ((word.partition("=") for word in line.split(" ") if "=" in word) for line in lines)
        return [{name: value for name, _, value in job} for job in fields]

    def stop(self) -> None:
        self.guard.communicate()
        for daemon in self.daemons:
            daemon.wait()

    def _configure(self) -> None:
        ports = _free_ports(NODES + 2)
        nodes = [NODE.format(n=n, host=_host(), port=ports[n], cores=CORES, gpus=GPUS) for n in range(1, NODES + 1)]
        kept = accounting.configure(self.root, _host(), ports[-1]) if self.accounted else accounting.NONE
        text = CONFIG.format(host=_host(), root=self.root, ports=ports, nodes="\n".join(nodes), accounting=kept)
        (self.root / "slurm.conf").write_text(text)
        (self.root / "state").mkdir()
        # Inside a job Snakemake calls SLURM's commands without any of SLURM's variables, SLURM_CONF included.
        (self.root / "bin").mkdir()
        for name in COMMANDS:
            command = self.root / "bin" / name
            command.write_text(f'#!/bin/sh\nSLURM_CONF={self.root}/slurm.conf exec {where(name)} "$@"\n')
            command.chmod(0o755)
        # A GPU's file must be a device. Any will do, and SLURM hands it out by number.
        for gpu in range(GPUS):
            (self.root / f"gpu{gpu}").symlink_to("/dev/null")
        gres = f"NodeName=n[1-{NODES}] Name=gpu Type=pretend File={self.root}/gpu[0-{GPUS - 1}]\n"
        (self.root / "gres.conf").write_text("AutoDetect=off\n" + gres)

    def daemon(self, *command: str) -> None:
        log = (self.root / f"{command[0]}.out").open("ab")
        full = [where(command[0]) or command[0], *command[1:]]
        self.daemons.append(
            subprocess.Popen(full, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        )
        log.close()

    def until(self, true: Callable[[], bool], seconds: float = 30, needed: bool = True, pause: float = 0.1) -> None:
        """Wait for something to become true. Raises TimeoutError where it is ``needed`` and does not."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                if needed:
                    logs = [path.read_text(errors="replace")[-2000:] for path in self.root.glob("*.out")]
                    raise TimeoutError("waited in vain; SLURM said:\n" + "\n".join(logs))
                return
            time.sleep(pause)


def _host() -> str:
    return socket.gethostname().partition(".")[0]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
