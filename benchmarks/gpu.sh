#!/usr/bin/env bash
# Measures on one GPU, in stages that fit a short lease. Run it in the project's root.
#   benchmarks/gpu.sh speed OUT            step speeds: replicas with XLA, means, Keras, PyTorch, input
#   benchmarks/gpu.sh table OUT            the table of benchmarks.train_step, and profiles of a step
#   benchmarks/gpu.sh checks OUT           two replicas against one, and bit-equal runs
#   benchmarks/gpu.sh learn OUT DATA       CIFAR-10 with 4,000 labels: the default recipe and its controls
# DATA holds cifar10.npz, or the data set as TFDS prepares it.
# Variables: WAVES, of `speed`; MODELS and BATCHES, of `table`; READY, seconds to wait for compiling; ONLY, a part of the names to
# measure. The results of a stage are lines of JSON in OUT.
set -uo pipefail
stage=$1; out=$(mkdir -p "$2" && cd "$2" && pwd); data=${3:-}
cd "$(dirname "$0")/.."
export PYTHONUNBUFFERED=1
python=${PYTHON:-python3}

machine() {
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm,power.limit --format=csv
  $python -c "import tensorflow as tf, keras; print('TensorFlow', tf.__version__, 'Keras', keras.__version__)" 2>/dev/null
  $python -c "import torch; print('PyTorch', torch.__version__, 'CUDA', torch.version.cuda, 'cuDNN', torch.backends.cudnn.version())"
  $python -c "
import time, torch
a = torch.randn(8192, 8192, device='cuda', dtype=torch.bfloat16)
for _ in range(5): a @ a
torch.cuda.synchronize(); start = time.perf_counter()
for _ in range(20): a @ a
torch.cuda.synchronize()
print('bfloat16 products of 8192 x 8192:', round(20 * 2 * 8192**3 / (time.perf_counter() - start) / 1e12), 'TFLOP/s')"
  nproc; date -u
}

case $stage in
  speed)
    machine >"$out/machine.txt" 2>&1 &
    for wave in ${WAVES:-replicas steps means input}; do
      $python -m benchmarks.gpu.speed --wave $wave --json "$out/speed_$wave.jsonl" --ready "${READY:-150}" \
        --seconds 0.2 ${ONLY:+--only "$ONLY"} 2>&1 | tee -a "$out/speed.log"
    done
    ;;
  table)
    machine >"$out/machine.txt" 2>&1
    for model in lsgan wgan_gp clsgan; do
      $python -m benchmarks.profile_step --model $model --batch 512 --bfloat16 --steps-per-call 10 \
        --json "$out/profiles.jsonl" 2>/dev/null | tee -a "$out/profiles.txt"
    done
    $python -m benchmarks.train_step --networks dcgan --models ${MODELS:-lsgan wgan_gp clsgan} --batches ${BATCHES:-64 512} --rounds 3 --seconds 0.3 --at-once 16 \
      --json "$out/train_step.json" 2>&1 | tee "$out/train_step.log"
    $python -m benchmarks.train_step.table "$out/train_step.json" | tee "$out/train_step.md"
    ;;
  checks)
    for model in "wgan_gp resnet" "clsgan dcgan"; do
      for tf32 in "" --tf32; do
        # shellcheck disable=SC2086
        timeout "${READY:-200}" $python -m benchmarks.gpu.parity $model $tf32 2>/dev/null | grep '^{' >>"$out/parity.jsonl" &
      done
    done
    wait
    $python -m benchmarks.gpu.determinism --models wgan_gp clsgan --ready "${READY:-200}" --json "$out/determinism.jsonl"
    ;;
  learn)
    $python -m benchmarks.results cifar10_4000 --data-dir "$data" --rows recipe --seeds 0 \
      --runs "$out/runs" --out "$out" 2>&1 | tee "$out/learn.log"
    ;;
  *) echo "benchmarks/gpu.sh speed|table|checks|learn OUT [DATA]" >&2; exit 2 ;;
esac
wait
