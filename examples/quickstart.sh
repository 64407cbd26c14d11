#!/usr/bin/env bash
# examples/quickstart.sh [method] [--data FOLDER] [--device cuda]: installs missing dependencies, builds, pretrains on the
# built-in images, and evaluates. Writes encoder.safetensors, metrics.csv and report.html to out/quickstart/; the last line
# is "result: {...}". With --data it learns from up to 6000 images of a folder, which need no labels, and shows which of
# them look alike: out/quickstart/search/report.html.
set -euo pipefail
method=simclr device=cpu data=builtin
while (($# > 0)); do
  case $1 in
    --device) device=${2:?--device takes cpu or cuda} && shift ;;
    --device=*) device=${1#*=} ;;
    --data) data=${2:?--data takes a folder of images} && shift ;;
    --data=*) data=${1#*=} ;;
    *) method=$1 ;;
  esac
  shift
done
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/cmake/install_dependencies.sh"

if [ ! -e "$root/examples/methods/$method.hpp" ]; then
  echo "There is no method $method. Methods to choose from:" >&2
  for header in "$root"/examples/methods/*.hpp; do
    echo "  $(basename "$header" .hpp)" >&2
  done
  exit 1
fi

# Lengths that are short but still teach something visible; the program's preset gives all the rest.
case $method in
  byol) recipe=(--epochs 8 --batch 32) ;; # small batches: it needs more steps than SimCLR
  mae | simmim | ijepa) recipe=(--epochs 30 --batch 64) ;; # their steps are cheap, and they need many
  *) recipe=(--epochs 4 --batch 64) ;; # with half as many steps the seed changes kNN accuracy by 0.1
esac

shown_by=evaluate
if [ "$data" != builtin ]; then # as many steps for a small folder as for the built-in images
  files=$(find -L "$data" -type f | wc -l)
  recipe[1]=$((files < 6000 ? ${recipe[1]} * 6000 / (files + 1) : ${recipe[1]}))
  shown_by=search
fi

install_dependencies
build=$root/build out=$root/out/quickstart
options=(-DCMAKE_BUILD_TYPE=Release -DPRETEXT_EXAMPLES=ON)
if [ "$device" = cuda ]; then
  build=$root/build-gpu
  options+=(-DPRETEXT_CUDA=ON)
  if [ ! -e "$build/CMakeCache.txt" ]; then options+=(-DCMAKE_CUDA_ARCHITECTURES=native); fi
elif [ ! -e "$build/CMakeCache.txt" ]; then
  options+=(-DPRETEXT_CUDA=OFF) # do not compile CUDA code unless asked to
fi
# Only this method is compiled, and those that the build folder has already.
methods=$(sed -n 's/^PRETEXT_METHODS:[A-Z]*=//p' "$build/CMakeCache.txt" 2>/dev/null || true)
case ";$methods;" in
  ";;") methods=$method ;;
  *";all;"* | *";$method;"*) ;;
  *) methods="$methods;$method" ;;
esac
if [ "$method" = distillation ]; then methods="$methods;simclr"; fi # of its teacher
configure "$root" "$build" "${options[@]}" "-DPRETEXT_METHODS=$methods"
cmake --build "$build" --parallel "$(nproc 2>/dev/null || echo 2)" --target pretrain "$shown_by"

if [ "$method" = distillation ]; then
  "$build/examples/pretrain" simclr --data "$data" --images 6000 --test-images 1500 "${recipe[@]}" --device "$device" \
    --out "$out-teacher" --overwrite
  recipe+=(--teacher "$out-teacher")
fi
"$build/examples/pretrain" "$method" --data "$data" --images 6000 --test-images 1500 "${recipe[@]}" --device "$device" \
  --out "$out" --overwrite
if [ "$data" = builtin ]; then
  # Prints the result as its last line.
  "$build/examples/evaluate" --run "$out" --device "$device"
else
  "$build/examples/search" --run "$out" --device "$device" --out "$out/search"
fi
