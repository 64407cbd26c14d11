#!/usr/bin/env bash
# Packed images train as their folder does: the same images and labels, the same archives each time, and a resumed run
# with the bits of an uninterrupted one.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
pack=$PRETEXT_PROGRAMS/pack
pretrain=("$PRETEXT_PROGRAMS/pretrain" simclr)
evaluate=$PRETEXT_PROGRAMS/evaluate
needs pack pretrain evaluate draw_builtin

"$PRETEXT_PROGRAMS/draw_builtin" --count 90 --classes --out photos/train 2>log
"$PRETEXT_PROGRAMS/draw_builtin" --count 30 --seed 8 --classes --out photos/test 2>log
"$pack" --data photos --out packed --shard-bytes 60000 2>log
"$pack" --data photos --out again --shard-bytes 60000 2>log
diff -r packed again
[ "$(ls packed/train/*.tar | wc -l)" -gt 1 ] || die "one archive"
for archive in packed/*/*.tar; do [ "$(stat -c %s "$archive")" -le 62000 ] || die "$archive is too large"; done

# The same files, whichever program unpacks them.
mkdir unpacked
for archive in packed/train/*.tar; do tar -xf "$archive" -C unpacked; done
sha256sum photos/train/*/*.png | cut -d " " -f 1 | sort >before
sha256sum unpacked/*.png | cut -d " " -f 1 | sort | diff before -
[ "$(cat unpacked/*.cls | wc -c)" -eq 90 ] || die "not every image has a class"
if "$pack" --data photos --out packed 2>log; then die "packed into a folder with files"; fi
grep -q "is not empty" log

# In the order of the folder, the features of evaluation are the same bits.
"$pack" --data photos --out ordered --keep-order 2>log
"${pretrain[@]}" --data photos --batch 16 --epochs 1 --threads 2 --out run 2>log
"$evaluate" --run run --linear-epochs 1 | grep "this encoder" >folder
"$evaluate" --run run --linear-epochs 1 --data ordered | grep "this encoder" | diff folder -

# An interrupted run on archives has the bits of an uninterrupted one.
"${pretrain[@]}" --data packed --batch 16 --epochs 6 --threads 1 --out whole 2>log
"${pretrain[@]}" --data packed --batch 16 --epochs 6 --threads 2 --checkpoint-seconds 0 --out stopped 2>log &
sleep 1
kill -INT $! 2>/dev/null || true
wait $! || true
"${pretrain[@]}" --resume --threads 2 --out stopped 2>log
cmp <(tail -c 100000 whole/encoder.safetensors) <(tail -c 100000 stopped/encoder.safetensors)
echo "archives train as their folder does"
