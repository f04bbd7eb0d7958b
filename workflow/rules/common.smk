import os
import signal
import sys

# SLURM sends USR1 to every process of a job before its time is up. Training takes it as its cue to write a checkpoint;
# Snakemake and its shells, which would die of it, ignore it.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
sys.path.insert(0, workflow.basedir)
# Rules call `python`: the one that runs Snakemake, also where its environment is not activated.
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]

from study.plan.workflow import messages as told
from study.plan.workflow.dag import Dag
from study.plan.limits import Limits
from study.errors import Refused

if workflow.global_resources.get("gpus").value is not None:
    print(
        "--resources gpus: the resource is called gpu; give --resources gpu=4",
        file=sys.stderr,
    )
    sys.exit(2)
limits = Limits(
    cores=workflow.global_resources.get("_cores").value,
    gpu=workflow.global_resources.get("gpu").value,
    # Of the executors only those of clusters are told how many jobs they may have at a time.
    cluster=workflow.nodes is not None,
)
try:
    dag = Dag.build(config, limits, main=workflow.is_main_process)
except Refused as refusal:
    print(*refusal.lines, sep="\n", file=sys.stderr)
    sys.exit(2)
if not dag.limits.cluster:
    workflow.register_resource("gpu", dag.gpu_limit)


wildcard_constraints:
    arm="[0-9a-f]{12}",
    dataset="[0-9a-f]{12}",
    block=r"\d+-\d+",
    comparison="[^/]+",
    figure="[^/]+",
