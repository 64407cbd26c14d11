#!/usr/bin/env bash
# A run is tied to its images and settings: what differs when it is resumed is taken, and said, or refused by name. Its
# folder has one owner, and resuming a finished run changes none of its results.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
pretrain=("$PRETEXT_PROGRAMS/pretrain" simclr) finetune=$PRETEXT_PROGRAMS/finetune draw=$PRETEXT_PROGRAMS/draw_builtin
needs pretrain finetune draw_builtin

# stopped FOLDER OPTION...: a run on $data that Ctrl-C stops after its first checkpoint.
data=photos
stopped() {
  local out=$1
  shift
  "${pretrain[@]}" --data "$data" --batch 16 --threads 2 --knn-every 0 --checkpoint-seconds 0 "$@" --out "$out" 2>log &
  local child=$!
  while [ ! -e "$out/checkpoint.safetensors" ]; do sleep 0.05; done
  kill -INT $child
  wait $child && die "the run was not stopped" || [ $? -eq 130 ]
}
small=(--images 48 --test-images 20 --batch 16 --epochs 2 --threads 2 --knn-every 0)
"$draw" --count 64 --classes --out photos 2>log

# A finished run.
ends 0 "6 steps" "${pretrain[@]}" "${small[@]}" --out run
(cd run && sha256sum *) >before
ends 0 "6 steps" "${pretrain[@]}" --resume --out run
(cd run && sha256sum *) | diff before - || die "resuming a finished run has changed its files"
rm run/pictures.safetensors
ends 0 "6 steps" "${pretrain[@]}" --resume --out run
(cd run && sha256sum *) | diff before - || die "the pictures are missing or others"

# Settings beside --resume.
ends 1 "--batch (16 in the run, 8 given), --learning-rate (0.05 in the run, 0.1 given)" \
  "${pretrain[@]}" --resume --batch 8 --learning-rate 0.1 --out run
ends 0 "6 steps" "${pretrain[@]}" --resume --learning-rate 0.050 --batch 16 --threads 1 --out run
ends 108 "excludes --" "${pretrain[@]}" --resume --overwrite --out run
ends 0 "epochs: 3 instead of 2" "${pretrain[@]}" --resume --epochs 3 --out run
grep -q "9 steps" output || die "the run was not extended"
grep -q '"epochs": 3' run/recipe.json && grep -q '"steps": 9' run/summary.json
[ "$(tail -n 1 run/metrics.csv | cut -d, -f1)" = 9 ] || die "metrics.csv lacks the last step"
ends 1 "give --resume more --epochs" "${pretrain[@]}" --resume --epochs 1 --out run
grep -q '"epochs": 3' run/recipe.json || die "a refused option was written"

# A recipe that was edited: compared as values, differences member by member.
tr -d ' ' <run/recipe.json >compact && mv compact run/recipe.json
ends 0 "9 steps" "${pretrain[@]}" --resume --out run
sed -i 's/"temperature":0.2/"temperature":0.3/' run/recipe.json
ends 1 "temperature: 0.2 in the checkpoint, 0.3 in recipe.json" "${pretrain[@]}" --resume --out run
for member in '"epochs":-1' '"batch":0' '"epochs":2.5' '"epochs":1e300' '"epoks":3' '"seed":1,"seed":2' '"data":{"percent_encoded":"%G1"}'; do
  mkdir -p edited && echo "{\"method\":\"simclr\",$member}" >edited/recipe.json
  ends 1 "edited/recipe.json" "${pretrain[@]}" --resume --out edited
  grep -q "$(echo "$member" | sed 's/"\([a-z]*\)".*/\1/')" output || die "the member is not named"
done

# The images: others, moved, and of an earlier version that did not record them.
stopped grown --epochs 30
(cd grown && sha256sum recipe.json images.txt checkpoint.safetensors) >before
cp -r photos more && rm "more/$(cd more && ls */* | sed -n 1p)" && for i in 1 2 3; do cp "more/$(cd more && ls */* | sed -n 1p)" more/added_$i.png; done
ends 1 "64 images then, 66 now; 3 were added, the first of them 'added_1.png'; 1 was removed" "${pretrain[@]}" --resume --data more --out grown
(cd grown && sha256sum recipe.json images.txt checkpoint.safetensors) | diff before - || die "a refused run has changed its files"
ends 0 "the images were changed: 64 images then, 66 now" "${pretrain[@]}" --resume --accept-changed-images --data more --knn-every 0 --out grown
grep -q "added_1.png" grown/images.txt || die "images.txt is old"
stopped moved --epochs 10
mv photos elsewhere
ends 1 "name their folder with --resume --data" "${pretrain[@]}" --resume --out moved
ends 0 'data: "elsewhere" instead of "photos"' "${pretrain[@]}" --resume --data elsewhere --knn-every 0 --out moved
grep -q '"data": "elsewhere"' moved/recipe.json || die "the new folder was not written"
mv elsewhere photos

# Archives: others with the same names are noticed. A run of an earlier version, whose list lacks the sizes of images inside
# of them, is resumed with a sentence.
pack=$PRETEXT_PROGRAMS/pack
"$draw" --count 64 --seed 9 --classes --out others 2>log
"$pack" --data photos --out packed 2>log
"$pack" --data others --out repacked 2>log
data=packed stopped archived --epochs 8
cp -r archived earlier
ends 1 "64 changed their size, the first of them" "${pretrain[@]}" --resume --data repacked --out archived
ends 0 "the images were changed" "${pretrain[@]}" --resume --data repacked --accept-changed-images --knn-every 0 --out archived
# FNV-1a of a list's text, as the checkpoint records it.
hash_of() {
  local hash=$((0xcbf29ce484222325)) byte
  for byte in $(od -An -v -tu1 "$1"); do hash=$(((hash ^ byte) * 0x100000001b3)); done
  printf '%016x' "$hash"
}
sized=$(hash_of earlier/images.txt)
grep -aqF "$sized" earlier/checkpoint.safetensors || die "the checkpoint has another fingerprint than images.txt"
sed -i 's/^[0-9]* /0 /' earlier/images.txt
LC_ALL=C sed -i "s/$sized/$(hash_of earlier/images.txt)/" earlier/checkpoint.safetensors
ends 0 "did not record the sizes of images in archives" "${pretrain[@]}" --resume --knn-every 0 --out earlier
[ "$(hash_of earlier/images.txt)" = "$sized" ] || die "the list still lacks sizes"

# One owner.
"${pretrain[@]}" --data photos --batch 16 --epochs 2000 --threads 1 --knn-every 0 --out shared 2>log &
first=$!
while [ ! -e shared/metrics.csv ]; do sleep 0.05; done
ends 1 "a run is under way in this folder (process $first" "${pretrain[@]}" "${small[@]}" --out shared
ends 1 "process $first" "${pretrain[@]}" "${small[@]}" --overwrite --out shared
ends 1 "process $first" "${pretrain[@]}" --resume --out shared
kill -KILL $first
wait $first || true
# Killed before its first checkpoint, with the leavings of a write: it begins again with its recipe.
touch shared/checkpoint.safetensors.1.0.partial shared/recipe.json.1.0.partial
ends 0 "it begins at step 0" "${pretrain[@]}" --resume --epochs 1 --knn-every 0 --out shared
grep -q '"data": "photos"' shared/recipe.json
ls shared | grep -E "partial|lock" && die "leavings are still there"

# A run without a checkpoint but with its encoder is neither resumed nor replaced by accident.
rm moved/checkpoint.safetensors
ends 1 "is missing" "${pretrain[@]}" --resume --out moved
ends 1 "holds a run already" "${pretrain[@]}" "${small[@]}" --out moved
# --overwrite with images that are not there, or too few, deletes nothing; with others it leaves no file of the old run.
(cd run && sha256sum *) >before
ends 1 "there is no such folder" "${pretrain[@]}" --data nowhere --overwrite --out run
ends 1 "choose a smaller batch" "${pretrain[@]}" --data photos --batch 128 --overwrite --out run
(cd run && sha256sum *) | diff before - || die "the run was damaged"

# Fine-tuning.
tune=(--run moved --data photos --labels 0.9 --batch 16 --epochs 1 --threads 2)
ends 0 "result: " "$finetune" "${tune[@]}" --out tuned
cp tuned/summary.json summary && cp tuned/classifier.safetensors classifier
ends 0 "result: " "$finetune" --resume --run moved --out tuned
cmp tuned/summary.json summary && cmp tuned/classifier.safetensors classifier
ends 1 "--weights" "$finetune" --resume --from-scratch --out tuned
ends 1 "--labels (0.9 in the run, 0.5 given)" "$finetune" --resume --labels 0.5 --out tuned
ends 0 "epochs: 2 instead of 1" "$finetune" --resume --epochs 2 --out tuned
ends 0 "3 steps" "${pretrain[@]}" --data photos --batch 16 --epochs 1 --threads 2 --knn-every 0 --overwrite --out tuned
ls tuned | grep -E "classifier|labelled" && die "files of two runs are mixed"

# A folder whose name is not UTF-8 is trained from and resumed.
other=$(printf 'phot\xe9s%%')
cp -r photos "$other"
ends 0 "3 steps" "${pretrain[@]}" --data "$other" --batch 16 --epochs 1 --threads 2 --knn-every 0 --out bytes
grep -q '"percent_encoded": "phot%E9s%25"' bytes/recipe.json || die "$(cat bytes/recipe.json)"
ends 0 "6 steps" "${pretrain[@]}" --resume --epochs 2 --data "$other" --knn-every 0 --out bytes
echo "images, settings, owner and leavings: all as expected"
