#!/usr/bin/env bash
# What people do with features works from a folder to a report: embed writes every image by its name, search finds a copy,
# duplicates finds planted copies, outliers ranks foreign pictures first, select covers the classes, classify learns from
# the selected images and its classifier is kept.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain embed search duplicates outliers select classify draw_builtin draw_sensors
PATH=$PRETEXT_PROGRAMS:$PATH
# value KEY: a number of the result line of the last program.
value() { sed -nE "s/^result: .*\"$1\":([0-9.]+).*/\1/p" output; }
# least KEY NUMBER: it must be at least that.
least() { awk -v a="$(value "$1")" -v b="$2" 'BEGIN { exit !(a != "" && a >= b) }' || die "$1 is below $2"; }
# run PROGRAM OPTIONS...: the program succeeds; "output" holds its results.
run() { "$1" --threads 2 "${@:2}" >output 2>log || die "$* failed"; }

draw_builtin --count 500 --classes --out photos 2>log
mkdir new
for class in photos/*; do # the last fifth of each class
  mkdir "new/${class#photos/}"
  find "$class" -name "*.png" | sort | tail -10 | xargs mv -t "new/${class#photos/}"
done
pretrain simclr --data photos --epochs 8 --batch 50 --learning-rate 0.2 --threads 2 --out run 2>log

run embed --run run --out npy
[ "$(stat -c %s npy/features.npy)" -eq $((128 + 400 * 128 * 4)) ] || die "features.npy has $(stat -c %s npy/features.npy) bytes"
head -c 128 npy/features.npy | grep -aF "'shape': (400, 128)" >/dev/null
[ "$(wc -l <npy/names.txt)" -eq 400 ]
(cd photos && xargs ls <../npy/names.txt >/dev/null)
run embed --encoder run/encoder.safetensors --data photos --format csv --out csv
[ "$(tail -n +2 csv/features.csv | cut -d, -f1)" = "$(cat npy/names.txt)" ]
first=$(od -An -tf4 -j128 -N4 npy/features.npy) other=$(sed -n 2p csv/features.csv | cut -d, -f2)
awk -v a="$first" -v b="$other" 'BEGIN { exit !(a - b < 1e-4 && b - a < 1e-4) }' || die "npy has $first, csv has $other"
run embed --run run --format safetensors --images 50 --out tensors
head -c 200 tensors/features.safetensors | grep -aF '"__metadata__":{"classes":' >/dev/null
grep -qaF '"features":{"dtype":"F32","shape":[50, 128]' tensors/features.safetensors
grep -q "Embedding in two dimensions" npy/report.html

picture=$(sed -n 17p npy/names.txt)
cp "photos/$picture" query.png
run search --run run --query query.png --top 3 --out search
[ "$(sed -n 2p search/similar.csv | cut -d, -f3)" = "$picture" ] || die "the copy is not found first: $(cat search/similar.csv)"
[ "$(wc -l <search/similar.csv)" -eq 4 ]
grep -q "<h2>Similar images</h2>" search/report.html
run search --run run --query "photos/$picture" --query new --top 3 --out more
if grep -qF "photos/$picture,1,$picture" more/similar.csv; then die "an image is similar to itself"; fi
[ "$(value queries)" -eq 101 ]
run search --run run --out page # the folder of the run, without a query
[ "$(value queries)" -eq 10 ]

if search --run run --query new --index hnsw --top 5 --threads 2 --out hnsw >output 2>log; then
  run search --run run --query new --index exact --top 5 --out exact
  awk -F, 'NR == FNR { seen[$1 "," $3] = 1; next } ($1 "," $3) in seen { same++ } END { exit !(same >= 0.95 * FNR) }' \
    exact/similar.csv hnsw/similar.csv || die "HNSW finds other images"
else
  grep -qF "built without hnswlib" log || die "$(cat log)"
fi

cp -r photos twice
for i in 3 50 111; do cp "twice/$(sed -n ${i}p npy/names.txt)" "twice/copy$i.png"; done
run duplicates --run run --data twice --out duplicates
[ "$(value copies)" -eq 3 ] || die "not three copies: $(cat duplicates/duplicates.csv)"
for i in 3 50 111; do grep -q "copy$i.png" duplicates/duplicates.csv || die "copy$i.png is not found"; done
least groups 3

mkdir -p odd/foreign
cp -r new odd/normal
draw_sensors --train 20 --test 0 --out sensors 2>log
find sensors -name "*.png" | while read -r file; do cp "$file" "odd/foreign/$(echo "$file" | tr / _)"; done
run outliers --run run --data odd --normal photos --normal-class normal --out outliers
least auroc 0.95
[ "$(sed -n 2,11p outliers/outliers.csv | grep -c foreign)" -ge 8 ] || die "the oddest: $(head -11 outliers/outliers.csv)"
find odd/foreign -name "*.png" | sort | tail -15 | xargs rm # few that are alike are outliers by themselves
run outliers --run run --data odd --normal-class normal --out outliers
least auroc 0.8
rm -r odd/foreign
draw_builtin --count 1 --noise 20 --out odd && rm odd/*.png # an image without contrast is similar to many others
run outliers --run run --data odd --normal photos --normal-class normal --out outliers
least auroc 0.8
ends 1 "--normal-class nothing: there is no such class" outliers --run run --data odd --normal-class nothing --out outliers

run select --run run --count 30 --out select
[ "$(value classes)" -eq 10 ]
least classes_covered 8
awk -F, 'NR == 1 { print; next } { split($1, part, "/"); print $1 "," part[1] }' select/selected.csv >labels.csv
run select --run run --count 30 --rule farthest --out farthest
least classes_covered 8
run select --run run --count 370 --labelled labels.csv --out rest
[ "$(cat select/selected.csv rest/selected.csv | grep -c png)" -eq 400 ]
[ "$(cat select/selected.csv rest/selected.csv | sort -u | grep -c png)" -eq 400 ]
ends 1 "--count 371 is more than the 370 images to select from" select --run run --count 371 --labelled labels.csv --out rest

run classify --run run --labelled labels.csv --out few
least accuracy 0.2 # of the 370 others after a short training; chance is 0.1
least auroc 0.6
[ "$(value labelled)" -eq 30 ]
[ "$(wc -l <few/predictions.csv)" -eq 401 ]
grep -q "<h2>Confusion matrix" few/report.html
run classify --run run --labelled photos --data new --out all
least accuracy 0.4
run classify --run run --probe all/probe.safetensors --data new --out again
cmp all/predictions.csv again/predictions.csv
pretrain simclr --data photos --epochs 1 --batch 50 --seed 2 --threads 2 --out other 2>log
ends 1 "was trained on the features of another encoder" classify --run other --probe all/probe.safetensors --data new --out again
ends 1 "is no classifier of features" classify --run run --probe run/encoder.safetensors --data new --out again
ends 1 "give --labelled with labelled images, or --probe" classify --run run --data new --out again
printf 'image,class\n%s,one\n' "$picture" >one.csv
ends 1 "one.csv: has labelled images of 1 class" classify --run run --labelled one.csv --out again

ends 1 "nothing to encode with: give --run" embed --data photos --out npy
ends 1 "pretrain simclr --out nowhere" embed --run nowhere --out npy
echo broken >twice/broken.png
ends 1 "broken.png" search --run run --data twice --out broken
run search --run run --data twice --on-bad-image skip --out broken
[ "$(value left_out)" -eq 1 ]
grep -q "1 image could not be read and was left out" broken/report.html
echo "embed, search, duplicates, outliers, select and classify do what they say"
