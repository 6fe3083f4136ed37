#!/bin/sh
# Predict a folder of scans with this bundle; what its container runs, and of use without one too.
#
# usage: predict.sh SCANS OUT [OPTIONS]
#
#   SCANS   folder of scans (NIfTI, MGZ, DICOM series), BIDS dataset, list of paths, or one scan; it is only read
#   OUT     folder for the tables, made if it is absent; a call that was stopped goes on there when it is repeated
#
# OPTIONS are settings of configs/inference.json, among them
#   --prior_table FILE    clinical values per scan or subject (CSV)
#   --device cpu|cuda     default: a GPU if there is one
#   --batch_size N        scans per step, default 1
#   --num_workers N       loader processes, default 0
#   --help                this text
#
# It ends with the exit code of the prediction; 2 if it was called in another way.
set -eu

usage() { sed -n '4,16s/^# \{0,1\}//p' "$0"; }

for argument; do
    case $argument in -h | --help) usage; exit 0 ;; esac
done
case $#,${1:-},${2:-} in
    0,* | 1,* | *,-*) usage >&2; exit 2 ;;
esac

# Absolute, because MONAI's command line takes a folder named 2024 for a number.
absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s\n' "$PWD/$1" ;; esac; }
scans=$(absolute "$1")
out=$(absolute "$2")
shift 2
bundle=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)

# An image may be read-only and its user without a home: what libraries remember between calls goes to a folder that ends
# with this call. The bundle's own code comes before any other of that name.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/predict.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export MPLCONFIGDIR="$scratch" XDG_CACHE_HOME="$scratch" TORCHINDUCTOR_CACHE_DIR="$scratch"
# MONAI asks for the user's name when it is imported, and a user who is but a number has none.
export HOME="${HOME:-$scratch}" USER="${USER:-$(id -u)}"
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$bundle"

# Not exec: as the first process of a container Python would not hear SIGTERM, and the folder would stay. -P keeps the
# working directory, which is anybody's, out of Python's path.
"${PYTHON:-python3}" -P -W "ignore:parsing config_file:UserWarning" -m monai.bundle run inference \
    --config_file "$bundle/configs/inference.json" --bundle_root "$bundle" \
    --dataset_dir "$scans" --output_dir "$out" "$@" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null || true' HUP INT TERM
code=0
wait "$child" || code=$?
# A signal ends the first wait before it ends the child.
while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
done
exit "$code"
