#!/usr/bin/env bash
# export_onnx writes the encoder of a run and the classifier of a fine-tuning; other files end with a sentence.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
export=$PRETEXT_PROGRAMS/export_onnx
needs export_onnx finetune pretrain
"$PRETEXT_PROGRAMS/pretrain" simclr --images 200 --test-images 20 --epochs 1 --batch 50 --out run >log 2>&1
"$PRETEXT_PROGRAMS/finetune" --run run --labels 0.5 --epochs 1 --batch 20 --out tuned >>log 2>&1
"$PRETEXT_PROGRAMS/finetune" --from-scratch --encoder vit-micro --images 100 --test-images 20 --epochs 1 --batch 20 \
  --out vit >>log 2>&1
"$export" --run run >output
grep -q '^run/encoder.onnx: an encoder of 70 nodes, opset 17$' output || die "$(cat output)"
"$export" --run tuned --out model.onnx >output
grep -q '^model.onnx: a classifier of 72 nodes' output || die "$(cat output)"
"$export" --weights vit/encoder.safetensors >output
grep -q '^vit/encoder.onnx: an encoder of' output || die "$(cat output)"
"$export" --run vit >output
for text in images features logits probabilities fc_norm.weight head.bias classes; do
  grep -qaF "$text" vit/classifier.onnx || die "vit/classifier.onnx lacks $text"
done
ends 1 "does not record which encoder it holds" "$export" --weights "$PRETEXT_REFERENCE/vit_timm.safetensors" --out nothing.onnx
ends 1 "name the run with --run, or a file with --weights" "$export"
ends 1 "cannot" "$export" --run run --out nowhere/model.onnx
[ ! -e nothing.onnx ]
echo "ONNX files of an encoder, a ResNet's classifier and a ViT's: as expected"
