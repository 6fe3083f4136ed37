#!/usr/bin/env bash
# Preprocessing under SLURM as a job array: each task does its share of the scans, the last one writes the datalist.
#
#   sbatch --array=1-20 scripts/slurm_preprocess.sh DATALIST OUTPUT_DIR [OPTIONS]        e.g. OPTIONS=--spacing 1.5
#
# Submit it from the repository. The array is 1-N without gaps; 1-N%M limits how many tasks run at once. A task that was
# stopped or failed goes on where it was when the same array is submitted again. Where scans failed, the last task to finish
# writes the tables and the quality page of what there is, and says which; with --drop_failed the datalist of the others, too.
#
#SBATCH --job-name=admoe-preprocess
#SBATCH --time=04:00:00
#SBATCH --cpus-per-task=4
#SBATCH --mem-per-cpu=4G
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=slurm-%A_%a.log
set -uo pipefail

[ $# -ge 2 ] && [ "${SLURM_ARRAY_TASK_MIN:-}" = 1 ] && [ "${SLURM_ARRAY_TASK_COUNT:-}" = "$SLURM_ARRAY_TASK_MAX" ] || {
    echo "usage: sbatch --array=1-N $(basename "$0") DATALIST OUTPUT_DIR [OPTIONS]" >&2
    exit 2
}
datalist=$1
output_dir=$2
shift 2
# SLURM runs a copy of this file from its spool: the repository is where the job was submitted.
cd "${SLURM_SUBMIT_DIR:-.}" || exit 2
if [ -f .venv/bin/activate ]; then . .venv/bin/activate; fi
# One thread a scan: its bits depend on that, and processes make better use of the cores.
export OMP_NUM_THREADS=1
# Since SLURM 22.05 srun does not take over the number of cores from sbatch.
exec srun --ntasks=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" admoe preprocess "$datalist" "$output_dir" \
    --array "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_MAX" --num_workers "${SLURM_CPUS_PER_TASK:-1}" "$@"
