[ -x build/examples/export_onnx ] || skip "ONNX was not found when the programs were built (Debian: libonnx-dev)"
# [export]
build/examples/export_onnx --run out/photos
# [/export]
