#!/bin/sh
# A GPU in eight minutes: checks and times what only a GPU can run, and says so where there is none.
#     benchmarks/gpu.sh [--minutes 8] [--out FOLDER] [--only packs,graph] [--device cpu --quick]
# It needs torch, numpy, pydantic and pyarrow; what else is missing is said by name. $PYTHON is used where it is set.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-$(command -v python3 || command -v python || true)}
if [ -z "$python" ]; then
    echo "there is no python3 here; set PYTHON" >&2
    exit 1
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Evenhand needs Python 3.11 or newer; set PYTHON")'
# What is called study.py in the folder that somebody works in is not the package.
export PYTHONSAFEPATH=1 PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
exec "$python" -m benchmarks.gpu "$@"
