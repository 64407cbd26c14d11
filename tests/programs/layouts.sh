#!/usr/bin/env bash
# Pretraining asks for images only: layouts whose labels or test images cannot be used are trained on, and what is left
# out is said. Evaluation uses the images that have a label, or says which it lacks.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
pretrain=("$PRETEXT_PROGRAMS/pretrain" simclr)
evaluate=$PRETEXT_PROGRAMS/evaluate
needs pretrain evaluate draw_builtin
"$PRETEXT_PROGRAMS/draw_builtin" --count 64 --out drawn 2>log
mapfile -t drawn < <(ls drawn/*)

# images FOLDER FIRST COUNT: copies drawn images into a folder.
images() { mkdir -p "$1" && cp "${drawn[@]:$2:$3}" "$1"; }
# trains FOLDER OPTIONS...: a pretraining must succeed; its messages are in "output".
trains() { ended 0 "${pretrain[@]}" --data "$1" --batch 8 --epochs 1 --threads 2 --overwrite --out run "${@:2}"; }

# A test part without labels, with other classes, or without images.
images flat/train/cat 0 10
images flat/train/dog 10 10
images flat/val 20 4
trains flat --knn-every 1
says "kNN is not measured: the test images have no labels"
ended failure "$evaluate" --run run --linear-epochs 0
says "evaluation needs labelled training and test images"
images other/train/cat 0 10
images other/train/dog 10 10
images other/val/cat 20 4
images other/val/zebra 24 3
trains other --knn-every 1
says "3 images have a class that the training images lack: 3 zebra"
ended 0 "$evaluate" --run run --linear-epochs 0
says "20 training and 4 test images"
mkdir -p nothing/val && cp -r flat/train nothing
trains nothing --knn-every 1
says "kNN is not measured: nothing/val: no images"

# Files of other kinds, and a loose image beside the classes.
images mixed/cat 0 20
images mixed/dog 20 20
for i in 1 2 3; do echo x >mixed/cat/$i.gif; done
echo x >mixed/notes.txt
cp "${drawn[50]}" mixed/preview.png
trains mixed
says "mixed: 4 files were left out: 3 .gif, 1 .txt"
says "1 of 41 training images have no class"
ended 0 "$evaluate" --run run --linear-epochs 0
says "36 training and 4 test images"

# Capital letters are parts, not classes.
images upper/Train/cat 0 10
images upper/Train/dog 10 10
images upper/Test/cat 20 4
images upper/Test/dog 24 4
trains upper
says "20 images,"
ended 0 "$evaluate" --run run --linear-epochs 0
says "20 training and 8 test images"

# The limit of pixels is an option, and part of the recipe.
ended failure "${pretrain[@]}" --data flat --batch 8 --epochs 1 --max-pixels 100 --overwrite --out run
says "more than the 100 allowed (max_pixels)"

# An orientation that is ignored is said, and can be applied.
mkdir photos
for i in {1..16}; do cp "$(dirname "$0")/../fuzz/corpus/images/exif.jpg" photos/$i.jpg; done # of orientation 6
images photos 0 16
trains photos --keep-going
says "photographs looked at have an EXIF orientation, which is ignored"
trains photos --keep-going --exif-orientation apply
if grep -q "EXIF" output; then die "said although it is applied"; fi
grep -q '"exif_orientation": "apply"' run/recipe.json
echo "every layout was trained on"
