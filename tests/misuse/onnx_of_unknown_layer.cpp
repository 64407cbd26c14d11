// expects: pretext::write_onnx: this layer has no ONNX form. Give it a static member
#define ONNX_ML 1
#define ONNX_NAMESPACE onnx
#include <pretext/inference/write_onnx.hpp>
using namespace pretext;
struct own_layer : relu {};
struct other_layer {
  template <Shape In>
  using output = In;
  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};
  }
};
auto write(onnx_graph& graph) {
  return write_onnx_layer<sequential<own_layer, other_layer>, shape<8, 8, 3>>(graph, 0, "images");
}
