#!/usr/bin/env bash
# Environment, lint, types, tests. Needs only bash and Python 3.11 or newer.
#
#   ./scripts/test.sh            everything but the tests marked slow or faults
#   ./scripts/test.sh --slow     with the learning tests that take minutes
#   ./scripts/test.sh --faults   with the whole fault matrix
#   ./scripts/test.sh ARGS       further arguments go to pytest
set -euo pipefail
cd "$(dirname "$0")/.."
markers="not slow and not faults"
case "${1:-}" in
    --slow) markers="not faults"; shift ;;
    --faults) markers="slow or faults or not slow"; shift ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
. scripts/environment.sh
environment '.[dev]'
# Snakemake wants an older `packaging` than nilearn does, so the tests of studies find it in an environment of its own.
[ -x .venv/snakemake/bin/snakemake ] || {
    python -m venv .venv/snakemake
    .venv/snakemake/bin/python -m pip install --quiet --disable-pip-version-check snakemake==9.27.1 ||
        echo "left out: the tests that run Snakemake, which could not be installed" >&2
}
PATH="$PATH:$PWD/.venv/snakemake/bin"
ruff check .
ruff format --check .
mypy
# One thread a process: the tests are small, and the number of threads is part of what makes a run exact.
OMP_NUM_THREADS=1 python -m pytest -m "$markers" -n "${TEST_PROCESSES:-2}" "$@"
