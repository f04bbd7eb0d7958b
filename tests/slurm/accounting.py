"""SLURM's accounting for the cluster under test: MariaDB and slurmdbd, in its folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.slurm.cluster import Cluster

PROGRAMS = ("mariadbd", "mariadb-install-db", "slurmdbd")
NONE = "AccountingStorageType=accounting_storage/none\nJobAcctGatherType=jobacct_gather/none"
KEPT = """AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost={host}
AccountingStoragePort={port}
AccountingStoragePass={root}/munge.socket
AccountingStoreFlags=job_comment
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1"""
DATABASE = """AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
DbdHost={host}
DbdPort={port}
SlurmUser=root
PidFile={root}/slurmdbd.pid
LogFile={root}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
"""


def unavailable() -> str | None:
    """Why there is no accounting here; None where there is."""
    missing = [name for name in PROGRAMS if not where(name)]
    return f"no {', '.join(missing)} (apt-get install slurmdbd mariadb-server)" if missing else None


def configure(root: Path, host: str, port: int) -> str:
    """Write slurmdbd.conf; returns the lines of slurm.conf that go with it."""
    path = root / "slurmdbd.conf"
    path.write_text(DATABASE.format(root=root, host=host, port=port))
    path.chmod(0o600)
    return KEPT.format(root=root, host=host, port=port)


def start(cluster: Cluster) -> None:
    """Start both, which find each other by a socket in the cluster's folder. Munge must run."""
    data, socket = cluster.root / "database", cluster.root / "database.socket"
    cluster.environment["MYSQL_UNIX_PORT"] = str(socket)
    create = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db"]
    subprocess.run(create, check=True, capture_output=True, env=cluster.environment)
    own = [f"--datadir={data}", f"--socket={socket}", f"--pid-file={cluster.root}/mariadbd.pid"]
    cluster.daemon("mariadbd", "--no-defaults", "--user=root", "--skip-networking", *own)
    cluster.until(socket.exists)
    cluster.daemon("slurmdbd", "-D")
    cluster.until(lambda: "evenhand" in cluster("sacctmgr", "-n", "-i", "add", "cluster", "evenhand"))


def where(command: str) -> str | None:
    """The daemons are in folders that root's PATH may lack."""
    return shutil.which(command, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
