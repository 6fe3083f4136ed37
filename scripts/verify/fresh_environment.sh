#!/usr/bin/env bash
# Does a bundle predict elsewhere what it predicts here? A copy of it in an empty folder, another working directory and a new
# environment with what its requirements.txt names and no more; then the tables of predictions byte by byte.
#
#   scripts/verify/fresh_environment.sh BUNDLE SCANS [OPTIONS]       e.g. OPTIONS=--prior_table values.csv
#
# Run it where admoe_monai is installed: what it predicts there is the reference. The environment takes several GB; it and all
# else go to a temporary folder, or to FRESH_FOLDER, which is kept and whose environment the next call uses again. PYTHON
# makes the environment (default: python3). Exit code 1 if anything differs.
set -euo pipefail

[ $# -ge 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
bundle=$(realpath "$1")
scans=$(realpath "$2")
shift 2
options=()
for option; do
    # The working directory is another one below.
    if [ -e "$option" ]; then option=$(realpath "$option"); fi
    options+=("$option")
done
if [ -n "${FRESH_FOLDER:-}" ]; then
    mkdir -p "$FRESH_FOLDER"
    folder=$(realpath "$FRESH_FOLDER")
else
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
here=$(command -v python3)
there=$folder/venv/bin/python
rm -rf "$folder/bundle" "$folder/elsewhere"
mkdir "$folder/elsewhere"

step() { printf '%-28s %s\n' "$1" "$2"; }

predict() {  # $1: interpreter, $2: bundle, $3: output
    "$1" -W ignore -m monai.bundle run inference --config_file "$2/configs/inference.json" --bundle_root "$2" \
        --dataset_dir "$scans" --output_dir "$3" "${options[@]}" > "$3.log" 2>&1 || {
        echo "error: the prediction failed:" >&2
        tail -n 5 "$3.log" >&2
        return 1
    }
}

compare() {  # $1: name of the step, $2: folder of the tables
    local table
    for table in predictions.csv predictions.json errors.csv; do
        cmp "$folder/elsewhere/reference/$table" "$2/$table" || {
            diff "$folder/elsewhere/reference/$table" "$2/$table" | head -n 10 >&2 || true
            echo "error: $1: $table differs" >&2
            return 1
        }
    done
    step "$1" "the same bytes: predictions.csv, predictions.json ($(($(wc -l < "$2/predictions.csv") - 1)) scans), errors.csv ($(($(wc -l < "$2/errors.csv") - 1)))"
}

cd "$folder/elsewhere"
predict "$here" "$bundle" "$folder/elsewhere/reference"
step "reference" "$("$here" -c 'import platform; print("Python", platform.python_version())')"

cp -r "$bundle" "$folder/bundle"
(cd "$folder/bundle" && sha256sum --quiet -c SHA256SUMS)
step "checksums of the copy" "$(wc -l < "$folder/bundle/SHA256SUMS") files as exported"

[ -x "$there" ] || "${PYTHON:-python3}" -m venv "$folder/venv"
unset PYTHONPATH
export PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=1
"$there" -m pip install --quiet --disable-pip-version-check -r "$folder/bundle/requirements.txt" 2> "$folder/pip.log" || {
    tail -n 5 "$folder/pip.log" >&2
    exit 1
}
if "$there" -c 'import admoe_monai' 2> /dev/null; then
    echo "error: admoe_monai is installed in the new environment, so that the bundle's own code would go untested" >&2
    exit 1
fi
step "new environment" "$("$there" -m pip list --format freeze --disable-pip-version-check | wc -l) packages, admoe_monai is none of them"

predict "$there" "$folder/bundle" "$folder/elsewhere/fresh"
compare "monai.bundle run inference" "$folder/elsewhere/fresh"
PYTHON=$there sh "$folder/bundle/container/predict.sh" "$scans" "$folder/elsewhere/script" "${options[@]}" > "$folder/elsewhere/script.log" 2>&1
compare "container/predict.sh" "$folder/elsewhere/script"
