// Which graphs the mock of cuDNN recognises: attention, and products with GELU.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cudnn.hpp"

namespace pretext::tests::mock_cudnn {
namespace {

/// A letter for each operation.
std::string letters(const std::vector<const description*>& operations) {
  std::string all;
  for (const description* each : operations) {
    if (each->kind == CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR) all += 'P';
    if (each->kind == CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR) all += 'T';
    if (each->kind == CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR) all += 'R';
    if (each->kind != CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR) continue;
    const auto mode = each->other(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
                          .get<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
    all += mode == CUDNN_POINTWISE_ADD        ? '+'
           : mode == CUDNN_POINTWISE_SUB      ? '-'
           : mode == CUDNN_POINTWISE_MUL      ? '*'
           : mode == CUDNN_POINTWISE_DIV      ? '/'
           : mode == CUDNN_POINTWISE_EXP      ? 'e'
           : mode == CUDNN_POINTWISE_LOG      ? 'l'
           : mode == CUDNN_POINTWISE_GELU_FWD ? 'g'
           : mode == CUDNN_POINTWISE_GELU_BWD ? 'G'
                                              : '?';
  }
  return all;
}
constexpr std::string_view forward = "P*R-eRl+/P", backward = "*R*P*-eTPP-**TPTP", gelu = "P+g",
                           gelu_backward = "P+G";

bool refuses_some() {
  const char* const mode = std::getenv("PRETEXT_MOCK_CUDNN");
  return mode && std::string_view{mode} == "refuses";
}

double bytes_of(const description& tensor) {
  const index of = extents_of(tensor);
  return (type_of(tensor) == CUDA_R_16BF ? 2. : 4.) * static_cast<double>(of[0] * of[1] * of[2] * of[3]);
}
/// The bytes of all tensors in memory.
double bytes_in_memory(const std::vector<const description*>& operations) {
  std::set<std::int64_t> counted;
  double sum = 0;
  for (const description* each : operations)
    for (const auto name : {CUDNN_ATTR_OPERATION_MATMUL_ADESC, CUDNN_ATTR_OPERATION_MATMUL_BDESC,
                            CUDNN_ATTR_OPERATION_MATMUL_CDESC, CUDNN_ATTR_OPERATION_POINTWISE_XDESC,
                            CUDNN_ATTR_OPERATION_POINTWISE_BDESC, CUDNN_ATTR_OPERATION_POINTWISE_YDESC,
                            CUDNN_ATTR_OPERATION_POINTWISE_DXDESC}) {
      if (!each->attributes.contains(name)) continue;
      const description& tensor = each->other(name);
      if (!flag(tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL) &&
          counted.insert(tensor.get<std::int64_t>(tensor_name)).second)
        sum += bytes_of(tensor);
    }
  return sum;
}

}  // namespace

const char* name_of_graph(const std::vector<const description*>& operations) {
  const std::string all = letters(operations);
  return all == forward || all == backward     ? "attention"
         : all == gelu || all == gelu_backward ? "GELU-product"
                                               : nullptr;
}

/// If PRETEXT_MOCK_CUDNN is "refuses", the first engine executes no attention of two heads, neither engine
/// that of one head, nor the backward pass of three; the first engine executes no GELU of 16 columns, and
/// neither the gradient of one of 24.
bool executes_graph(int engine, const std::vector<const description*>& operations) {
  if (!refuses_some()) return true;
  const std::string all = letters(operations);
  if (all == gelu || all == gelu_backward) {
    const std::int64_t columns = extents_of(operations.front()->other(CUDNN_ATTR_OPERATION_MATMUL_CDESC))[3];
    return !(columns == 16 && engine == 0) && !(columns == 24 && all == gelu_backward);
  }
  const bool back = all == backward;
  const std::int64_t heads = extents_of(operations.back()->other(CUDNN_ATTR_OPERATION_MATMUL_CDESC))[1];
  return heads > 3 || (heads == 3 && !back) || (heads == 2 && engine == 1);
}

std::int64_t bytes_between_products(const std::vector<const description*>& operations) {
  if (letters(operations) != backward) return 0;
  const index of = extents_of(operations.back()->other(CUDNN_ATTR_OPERATION_MATMUL_CDESC));
  return 2 * of[0] * of[1] * ((of[2] + 63) / 64 * 64) * ((of[2] + 127) / 128 * 128);
}

ptx::library_work graph_size(const std::vector<const description*>& operations) {
  ptx::library_work sum;
  for (const description* each : operations) {
    if (each->kind != CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR) continue;
    const index a = extents_of(each->other(CUDNN_ATTR_OPERATION_MATMUL_ADESC)),
                c = extents_of(each->other(CUDNN_ATTR_OPERATION_MATMUL_CDESC));
    sum.flops += 2. * static_cast<double>(c[0] * c[1] * c[2] * c[3] * a[3]);
    sum.contracted = static_cast<std::size_t>(a[3]);
  }
  if (const std::string all = letters(operations); all == gelu || all == gelu_backward) {
    sum.bytes = bytes_in_memory(operations);
    return sum;
  }
  // Queries, keys, values and outputs; backward, their gradients, too.
  const index of = extents_of(operations.back()->other(CUDNN_ATTR_OPERATION_MATMUL_CDESC));
  sum.bytes =
      (letters(operations) == forward ? 4. : 8.) * 2 * static_cast<double>(of[0] * of[1] * of[2] * of[3]);
  return sum;
}

std::map<std::int64_t, double> numbers_of_host(const std::vector<const description*>& operations,
                                               const std::map<std::int64_t, void*>& arguments) {
  std::map<std::int64_t, double> numbers;
  for (const description* each : operations)
    if (each->attributes.contains(CUDNN_ATTR_OPERATION_POINTWISE_BDESC)) {
      const description& second = each->other(CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
      if (!flag(second, CUDNN_ATTR_TENSOR_IS_BY_VALUE)) continue;
      const auto name = second.get<std::int64_t>(tensor_name);
      numbers[name] = double{*static_cast<const float*>(arguments.at(name))};
    }
  return numbers;
}

}  // namespace pretext::tests::mock_cudnn
