#!/usr/bin/env bash
# CMake's lists PRETEXT_ENCODERS, PRETEXT_TEACHERS and PRETEXT_LOCAL_CROPS: every known name is accepted at any size that suits it, entries that mean the same are one,
# and a mistake stops the configuration with one sentence that says what to write.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
examples=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../examples" && pwd)
list=$PWD/compiled_encoders.hpp script=$PWD/script.cmake
printf 'cmake_minimum_required(VERSION 3.25)\ninclude(encoders.cmake)\n' >"$script"
# stamps ENCODERS [TEACHERS [LOCAL_CROPS]]: writes the header for these lists. CMake breaks the lines of its messages.
stamps() {
  (cd "$examples" && cmake "-DPRETEXT_ENCODERS=$1" "-DPRETEXT_TEACHERS=${2-}" "-DPRETEXT_LOCAL_CROPS=${3-6}" -DPRETEXT_CHANNELS=3 "-Dstamped=$(dirname "$list")" -P "$script") >message 2>&1 || true
  tr -s ' \n' ' ' <message >output
}
# stops ENCODERS WORDS...
stops() {
  rm -f "$list"
  stamps "$1"
  [ ! -e "$list" ] || die "accepted: $1"
  says "$2"
}
# has COUNT TEXT: so many lines of the header have the text.
has() { [ "$(grep -cF -- "$2" "$list")" -eq "$1" ] || die "not $1 times \"$2\" in $(cat "$list")"; }

names=$(sed -nE 's/^struct known_encoder<"(.*)">.*/\1/p' "$examples/support/known_encoders.hpp")
[ "$(wc -w <<<"$names")" -ge 14 ] || die "these names are known: $names"
for name in $names; do
  stamps "$name@224;$name@32:1"
  has 2 "_entry<\"$name\", "
done
stamps "vit-small@32;vit-small@64;vit-small/8@96;vit-small@96;vit-small/12@96;vit-small/16@224;vit-huge@224"
for entry in '"vit-small", 4, 32, PRETEXT_CHANNELS, Recipe>("vit-small", "vit-small/4")' '"vit-small", 8, 64,' '"vit-small", 8, 96,' \
  '12, 96, PRETEXT_CHANNELS, Recipe>("vit-small/12", "vit-small/12")' '16, 224, PRETEXT_CHANNELS, Recipe>("vit-small",' '"vit-huge", 14, 224,'; do
  has 1 "$entry"
done
stamps "resnet18@33;resnet18@33:3;resnet18@33:12"
has 1 'convolutional_entry<"resnet18", 33, PRETEXT_CHANNELS>("resnet18")'
has 1 'convolutional_entry<"resnet18", 33, 12>("resnet18")'

stamps "resnet18@32" "resnet50@224;vit-small/14@224;dinov2/vit-small/14@224;ijepa/vit-micro@32;simmim/vit-micro/8@32"
has 1 'convolutional_entry<"resnet50", 224, PRETEXT_CHANNELS>("resnet50")'
has 1 'vit_entry<"vit-small", 14, 224, PRETEXT_CHANNELS, pretext::mae_pretraining>("vit-small/14", "vit-small/14")'
has 1 'pretext::dinov2_pretraining>("dinov2/vit-small/14", "dinov2/vit-small/14")'
has 1 'pretext::ijepa_pretraining>("ijepa/vit-micro", "ijepa/vit-micro/4")'
has 1 'pretext::simmim_pretraining>("simmim/vit-micro/8", "simmim/vit-micro/8")'

stops "resnet18@32;resnet19@32" 'the entry "resnet19@32", but there is no encoder resnet19. An entry is NAME@PIXELS'
says "the names are $(tr '\n' ' ' <<<"$names" | sed 's/ $//; s/ /, /g')."
for wrong in resnet18 resnet18@ @32 resnet18@032 resnet18@32x32 resnet18/@32 "resnet18@32:" "resnet18@-32" "Resnet18@32"; do
  stops "$wrong" "the entry \"$wrong\", which is not written as one"
done
stops "vit-small@100" "its patches of 16 pixels do not divide images of 100 pixels"
stops "vit-micro/3@32" "its patches of 3 pixels do not divide"
stops "resnet18/4@32" "resnet18 is no vision transformer and has no patches. Write resnet18@32"
stops "convnext-tiny@112" "convnext-tiny takes images whose size is a multiple of 32 pixels"
stops "dinov2/vit-small/14@224" "only vision transformers of PRETEXT_TEACHERS are named with a method"
stops "resnet18@7" "the programs take images of 8 to 2048 pixels"
stops ";" "PRETEXT_ENCODERS is empty"
stamps "resnet18@32" "dinov2/resnet18@32"
says "only vision transformers of PRETEXT_TEACHERS are named with a method. Write resnet18@32"
stamps "resnet18@32" "" "6;10;6"
has 1 'std::array<std::size_t, 2> compiled_local_crops{6, 10};'
stamps "resnet18@32" "" ""
has 1 'std::array<std::size_t, 0> compiled_local_crops{};'
stamps "resnet18@32" "" "six"
says 'PRETEXT_LOCAL_CROPS has the entry "six"; an entry is a number of small crops from 1 to 99, such as 6.'
echo "$(wc -w <<<"$names") names, and a sentence for every mistake"
