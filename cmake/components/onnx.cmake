# ONNX models, by ONNX's own messages of protobuf.
find_package(Protobuf QUIET GLOBAL)
find_package(ONNX 1.12 QUIET CONFIG GLOBAL)
pretext_component(onnx LIBRARIES onnx_proto INCLUDES "onnx/.*" PACKAGES "onnx 1.12 or newer and protobuf, with their CMake files")
