#!/usr/bin/env bash
# Training under SLURM that outlives its time limit: it saves in time, is requeued, and goes on with the same bits.
#
#   sbatch scripts/slurm_train.sh RUN_DIR [SETTINGS]       e.g. RUN_DIR=checkpoints/study1, SETTINGS=--max_epochs 200
#   CONFIG=configs/pretrain.yaml sbatch scripts/slurm_train.sh RUN_DIR
#
# Submit it from the repository. Exit codes of the training: 0 it is finished, 75 it was stopped and has saved (requeued),
# anything else is an error (the job ends with that code and keeps its checkpoints). scancel saves as well, and ends the job.
#
#SBATCH --job-name=admoe
#SBATCH --time=12:00:00
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=8
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=slurm-%j.log
# B: the batch shell alone gets the signal, 300 s before the limit; it must suffice for one step and one save.
#SBATCH --signal=B:USR1@300
set -uo pipefail

[ $# -ge 1 ] || { echo "usage: sbatch $(basename "$0") RUN_DIR [SETTINGS]" >&2; exit 2; }
run_dir=$1
shift
# SLURM runs a copy of this file from its spool: the repository is where the job was submitted.
cd "${SLURM_SUBMIT_DIR:-.}" || exit 2
if [ -f .venv/bin/activate ]; then . .venv/bin/activate; fi
# A run keeps its number of threads in every job to come, however many that job is granted.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-${SLURM_CPUS_PER_TASK:-1}}"

received=0
cancelled=""
time_is_up() {
    received=$((received + 1))
    kill -s USR1 "$training" 2>/dev/null
}
# A cancelled job: SLURM has signalled the step itself, and a second signal would end the training before it has saved.
cancel() {
    received=$((received + 1))
    cancelled=yes
}

# In the background, because bash runs a trap only after a foreground child has ended. srun hands signals on to its task.
srun --ntasks=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" python -W "ignore:parsing config_file:UserWarning" -m monai.bundle run training \
    --config_file "${CONFIG:-configs/train.yaml}" --resume auto --run_dir "$run_dir" "$@" &
training=$!
trap time_is_up USR1
trap cancel TERM

# A trap interrupts `wait`, which must then be repeated; 127 says that the child's code was already collected.
code=127
waited=-1
while [ "$waited" -ne "$received" ]; do
    waited=$received
    wait "$training"
    last=$?
    [ "$last" -eq 127 ] || code=$last
done

if [ "$code" -eq 75 ] && [ -z "$cancelled" ]; then
    echo "Training has saved its state: requeueing job $SLURM_JOB_ID"
    scontrol requeue "$SLURM_JOB_ID"
    exit  # with scontrol's code
fi
exit "$code"
