if ! command -v qemu-aarch64 && command -v qemu-aarch64-static; then # of qemu-user-static
  qemu-aarch64() { qemu-aarch64-static "$@"; }
fi >/dev/null
for program in aarch64-linux-gnu-g++ qemu-aarch64; do
  command -v "$program" >/dev/null || skip "there is no $program here (Debian: g++-aarch64-linux-gnu, qemu-user)"
done
[ "$PRETEXT_LONG_TESTS" = ON ] || skip "compiling for ARM is for the long tests"
ln -sfn "$PRETEXT_ROOT/include" include
ln -sfn "$PRETEXT_ROOT/examples" examples
{ printf 'P6 32 32 255\n' && head -c 3072 /dev/zero | tr '\0' 'x'; } >picture.ppm
# [compile]
aarch64-linux-gnu-g++ -std=c++20 -Os -ffunction-sections -fdata-sections -static -s -Wl,--gc-sections \
  -I include -I /usr/include/eigen3 examples/inference.cpp -o inference-arm64
# [/compile]
# [run]
qemu-aarch64 inference-arm64 out/photos/encoder.safetensors picture.ppm > features.txt
# [/run]
cut -d ' ' -f 1-6 features.txt
# The features of this machine's processor, as far as rounding allows.
build/examples/inference out/photos/encoder.safetensors picture.ppm >here.txt
awk 'NR == FNR { n = split($0, a, " "); next }
  { for (i = 2; i <= n; ++i) if ($i - a[i] > 1e-3 || a[i] - $i > 1e-3) exit 1 }' here.txt features.txt || {
  echo "the features of ARM64 and of this processor differ" >&2
  exit 1
}
