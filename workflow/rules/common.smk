import atexit
import gc
import os
import signal
import sys

import evenhand

# SLURM sends USR1 to every process of a job before its time is up. Training takes it as its cue to write a checkpoint;
# Snakemake and its shells, which would die of it, ignore it.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
# Rules call `evenhand`: of the environment that runs Snakemake, also where that is not activated, and the package that
# belongs to this workflow, whatever is called study.py in the folder that somebody works in.
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
os.environ["PYTHONSAFEPATH"] = "1"
evenhand.lead()

from snakemake.logging import logger

from study.errors import Refused
from study.plan import history
from study.plan.limits import Limits
from study.plan.workflow import messages
from study.plan.workflow.dag import Dag
from study.store.disk import Unwritable

# What Snakemake does not document of `workflow` is read here and nowhere else; tests/workflow and tests/slurm run it.
is_main = workflow.is_main_process  # false where a job of a cluster reads this again
logger.addFilter(messages.Shortened())
logger.addFilter(ended := messages.Ended())
limits = {
    name: workflow.global_resources.get(name).value
    for name in ("_cores", "gpu", "gpus")
}
# Of the executors only those of clusters are told how many jobs they may have at a time.
at_once = workflow.nodes


def executor():
    """Where jobs run: local, slurm, … Known when they begin."""
    return workflow.executor_plugin.name


def wants_all():
    """Whether the whole study was asked for, and not some of its files or rules."""
    asked = workflow.dag
    cut = (asked.untilrules, asked.untilfiles, asked.omitrules, asked.omitfiles)
    return rules.all.rule in asked.targetrules and not any(cut) and not workflow.touch


if limits["gpus"] is not None:
    print(
        "--resources gpus: the resource is called gpu; give --resources gpu=4",
        file=sys.stderr,
    )
    sys.exit(2)
gc.disable()  # a plan is many objects that stay: to look for garbage among them takes a quarter of the time
try:
    dag = (
        Dag.of_nothing()
        if "--unlock" in sys.argv
        else Dag.build(
            config,
            Limits(limits["_cores"], limits["gpu"], at_once is not None, at_once),
            main=is_main,
        )
    )
except Refused as refusal:
    print(*refusal.lines, sep="\n", file=sys.stderr)
    sys.exit(2)
except Unwritable as why:
    print(why, file=sys.stderr)
    sys.exit(1)
for line in dag.damaged:
    print(line, file=sys.stderr)
gc.freeze()  # nor later
gc.enable()
# The working folder as a person named it: what is printed is found from where they stand.
place = str(workflow.overwrite_workdir or "")
if is_main:
    logger.addFilter(messages.NothingToDo(dag, place))
if not dag.limits.cluster:
    workflow.register_resource("gpu", dag.gpu_limit)


wildcard_constraints:
    job="[0-9a-f]{12}",
    dataset="[0-9a-f]{12}",
    dry="[0-9a-f]{12}",
    timing="[0-9a-f]{12}",
