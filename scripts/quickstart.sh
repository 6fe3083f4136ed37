#!/usr/bin/env bash
# From nothing to a prediction: environment, simulated cohort, both phases, what else could be done with the same people,
# bundle, one prediction.
# Needs only bash and Python 3.11 or newer; about ten minutes on two cores after the download of packages.
#
#   ./scripts/quickstart.sh [FOLDER]      everything it makes goes to FOLDER (default: quickstart/)
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h | --help) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
folder=${1:-quickstart}
[ ! -e "$folder" ] || { echo "error: $folder exists; name another folder: ./scripts/quickstart.sh FOLDER" >&2; exit 1; }
. scripts/environment.sh
environment .

step() { printf '\n== %s\n' "$*"; }

step "A simulated longitudinal cohort in BIDS layout (no real person is in it; effects twice as large as declared)"
admoe demo-cohort "$folder/cohort" --subjects 210 --visits 2 2 --effect 2

step "Labels, subject-level splits and prior statistics"
admoe prepare "$folder/cohort" --output "$folder/datalist.json" --horizon next_visit --fractions 0.6 0.1 0.3

step "SimMIM pretraining, decoder removed, finetuning on diagnosis and change; beside it a plain CNN ($folder/cnn.log)"
admoe train tiny demo encoder_cnn --datalist "$folder/datalist.json" --run_dir "$folder/cnn" --threads 1 > "$folder/cnn.log" 2>&1 &
control=$!
admoe train tiny demo --datalist "$folder/datalist.json" --run_dir "$folder/run" --threads 1
wait $control || { tail -n 5 "$folder/cnn.log" >&2; exit 1; }

step "Test metrics"
admoe evaluate "$folder/run"
admoe evaluate "$folder/cnn" > "$folder/cnn_evaluation.txt"
admoe report "$folder/run"

step "Beside it: the CNN, the prior alone, the true volumes (two small runs of one seed show the way, not what a method can do)"
python scripts/studies/demo_cohort.py "$folder/run" "$folder/cnn" "$folder/cohort"

step "Inference bundle, and a prediction for a scan that the model has not seen"
admoe export "$folder/run" "$folder/bundle"
mkdir "$folder/new_scans"
cp "$(python -c '
import json, sys
from pathlib import Path
datalist = json.loads(Path(sys.argv[1]).read_text())
print(Path(datalist["dataset_dir"]) / datalist["test"][0]["image"])' "$folder/run/datalist.json")" "$folder/new_scans/"
python -W "ignore:parsing config_file:UserWarning" -m monai.bundle run inference \
    --config_file "$folder/bundle/configs/inference.json" --bundle_root "$folder/bundle" \
    --dataset_dir "$folder/new_scans" --output_dir "$folder/predictions"
cat "$folder/predictions/predictions.csv"

step "Done. Run directory: $folder/run   bundle: $folder/bundle"
echo "Look at the report:         $folder/run/report/report.html"
echo "Curves and reconstructions: .venv/bin/tensorboard --logdir $folder/run"
