#!/usr/bin/env bash
# Sampler and training step of the 530M model on this machine's GPU, in under 8 minutes; see bench/gpu.py.
# Needs torch, numpy, safetensors and this tree, nothing else: PYTHON=/path/to/python bash bench/gpu.sh
set -euo pipefail
cd "$(dirname "$0")/.."
exec timeout --signal=INT --kill-after=10 480 "${PYTHON:-python3}" bench/gpu.py "$@"
