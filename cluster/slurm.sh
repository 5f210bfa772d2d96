#!/usr/bin/env bash
# The life cycle over a Slurm allocation: a Ray head on its first node, a Ray worker on each of the others, the driver
# beside the head. SIGTERM comes 5 minutes before the time limit: running trainings save a checkpoint, then all ends
# and the job goes back into the queue, where the same command goes on.
#
#   sbatch --nodes 4 cluster/slurm.sh /shared/songs /shared/work params/cluster.yaml
#
#SBATCH --job-name=jam
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=1
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

songs=${1:?songs: a folder or manifest that every node sees}
work=${2:?work: a folder that every node sees}
params=${3:-params/cluster.yaml}
cd "${SLURM_SUBMIT_DIR:-.}"
export WDS_SECURE=1 RAY_USAGE_STATS_ENABLED=0
export HF_HOME=${HF_HOME:-$HOME/.cache/huggingface}
ckpt_wait_s=240   # less than the seconds between SIGTERM and the limit

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
port=$((20000 + SLURM_JOB_ID % 20000))
on_node() { srun --nodes=1 --ntasks=1 --overlap --nodelist="$1" "${@:2}"; }
address=$(on_node "$head" hostname --ip-address | awk '{print $1}'):$port

# weights once a node, before Ray stands; a shared HF_HOME makes all but the first find them there
srun --ntasks-per-node=1 bash -c "flock \"\${TMPDIR:-/tmp}/jam-weights.lock\" jam doctor --download --params '$params'"

on_node "$head" ray start --head --block --port="$port" --num-cpus="$SLURM_CPUS_PER_TASK" --dashboard-host=127.0.0.1 &
until on_node "$head" ray health-check --address "$address" >/dev/null 2>&1; do sleep 1; done
for node in "${nodes[@]:1}"; do
  on_node "$node" ray start --block --address="$address" --num-cpus="$SLURM_CPUS_PER_TASK" &
done

# a training that finds `checkpoint-now` in its folder saves at its next log line and takes the file away
save_and_stop() {
  trap '' TERM
  local asked=() recipe run
  while read -r recipe; do
    run=$(dirname "$recipe")
    [ -e "$run/done.json" ] || { touch "$run/checkpoint-now" && asked+=("$run/checkpoint-now"); }
  done < <(find "$work" -name train.json)
  for ((waited = 0; waited < ckpt_wait_s; waited += 2)); do
    ls "${asked[@]:-/nothing}" >/dev/null 2>&1 || break
    sleep 2
  done
  rm -f "${asked[@]}"
  kill -TERM "$driver" 2>/dev/null || true
  wait "$driver" || true
  scontrol requeue "$SLURM_JOB_ID" || true
  exit 143
}
trap save_and_stop TERM

# srun itself, not a function in a subshell: it passes SIGTERM on
RAY_ADDRESS="$address" srun --nodes=1 --ntasks=1 --overlap --nodelist="$head" \
  jam run --songs "$songs" --work "$work" --params "$params" &
driver=$!
wait "$driver"
