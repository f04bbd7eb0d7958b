import os
import sys

sys.path.insert(0, workflow.basedir)
# Rules call `python`: the one that runs Snakemake, also where its environment is not activated.
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]

from study.plan.dag import Dag
from study.plan.mistakes import Refused

try:
    dag = Dag.build(config, main=workflow.is_main_process)
except Refused as refusal:
    print(*refusal.lines, sep="\n", file=sys.stderr)
    sys.exit(2)


wildcard_constraints:
    arm="[0-9a-f]{12}",
    dataset="[0-9a-f]{12}",
    block=r"\d+-\d+",
