#!/usr/bin/env bash
# Sets up what is missing, runs the notebooks, builds the report. ./run_all.sh --help says more.
# ./run_all.sh --python only sets up, and prints the path of the python that has the packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONUTF8=1

need_gb=3 # of free disk, for the packages

stop() { printf '%s\n' "$*" >&2; exit 1; }

pins() { awk '/^ *- pip: *$/ {on = 1; next} on && /^ *- / {print $2}' environment.yml; }

has_packages() { # python: are all pinned versions installed?
  pins | "$1" -c '
import sys
from importlib import metadata
for pin in sys.stdin.read().split():
    name, _, version = pin.partition("==")
    try:
        if metadata.version(name).partition("+")[0] != version: sys.exit(1)
    except metadata.PackageNotFoundError: sys.exit(1)
sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null
}

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; }

fitting_python() { # the first python of the machine for which all packages exist
  local each
  for each in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$each" >/dev/null && fits "$each"; then echo "$each"; return; fi
  done
  stop "Python 3.11 to 3.14 is needed, and python3 here is $(python3 -V 2>&1 || true):" \
    "install one of these (python.org, or conda env create -f environment.yml) and run this again."
}

make_venv() { # safe to run again after an interruption
  local base free
  base=$(fitting_python) || exit 1
  free=$(df -Pk . | awk 'NR == 2 {print int($4 / 1048576)}')
  [ "$free" -ge "$need_gb" ] ||
    stop "The packages need about $need_gb GB of disk and $free GB are free: make room and run this again."
  echo "Installing the packages of environment.yml into .venv (once, a few minutes) ..." >&2
  .venv/bin/python -m pip --version >/dev/null 2>&1 || "$base" -m venv --clear .venv >&2 ||
    stop "$base cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv)."
  pip_install
}

pip_install() {
  local log=.venv/install.log
  # shellcheck disable=SC2046
  .venv/bin/python -m pip install --disable-pip-version-check -c constraints.txt $(pins) 2>&1 |
    tee "$log" >&2 && return
  if grep -q 'No space left on device' "$log"; then
    stop "The disk is full: the packages need about $need_gb GB; make room and run this again."
  elif grep -qiE 'connection|name resolution|unreachable|timed out|proxy' "$log"; then
    stop "The packages could not be fetched: check the network connection and run this again."
  fi
  stop "pip could not install the packages: see $log."
}

know_repository() { # `import lib` then works from any folder, as in kernels that editors start
  local folder
  for folder in .venv/lib/python3*/site-packages; do
    [ "$(cat "$folder/known_truth.pth" 2>/dev/null)" = "$PWD" ] || [ ! -w "$folder" ] ||
      printf '%s\n' "$PWD" >"$folder/known_truth.pth"
  done
}

find_python() {
  local each
  for each in python3 .venv/bin/python; do # an active conda environment or Binder comes first
    if command -v "$each" >/dev/null && has_packages "$each"; then command -v "$each"; return; fi
  done
  make_venv || exit 1
  has_packages .venv/bin/python ||
    stop "The packages in .venv do not match environment.yml: delete .venv and run this again."
  echo .venv/bin/python
}

python=$(find_python) || exit 1
know_repository
if [ "${1:-}" = --python ]; then echo "$python"; exit; fi
exec "$python" -m lib.runner "$@"
