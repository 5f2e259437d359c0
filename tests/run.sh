#!/usr/bin/env bash
# All checks: ruff, unit and property tests, smoke run of all notebooks, browser tests.
# Arguments go to pytest: `tests/run.sh -m "not smoke and not browser and not slow"` takes seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

python=$(./run_all.sh --python) || exit 1
status=0
"$python" -m ruff check . || status=1
"$python" -m pytest -n auto --dist loadgroup --no-loadscope-reorder "$@" || status=1
exit $status
