"""One check, in the process that was started for it."""

import sys
from pathlib import Path

from benchmarks.gpu.check import Bench, run

if __name__ == "__main__":
    work, kind, quick, file = sys.argv[1:]
    run(work, Bench(kind, bool(int(quick)), Path(file)))
