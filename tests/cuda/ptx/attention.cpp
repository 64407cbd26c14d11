// Attention in the mock of cuDNN: the operations of its graph, computed one after the other.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include <pretext/core/bfloat16.hpp>

#include "cudnn.hpp"

namespace pretext::tests::mock_cudnn {
namespace {

constexpr auto tensor_name = CUDNN_ATTR_TENSOR_UNIQUE_ID;
using index = std::array<std::int64_t, 4>;

bool flag(const description& tensor, cudnnBackendAttributeName_t name) {
  return tensor.attributes.contains(name) && tensor.get<bool>(name);
}

/// A tensor of four extents, in double and in the order of its extents.
struct dense {
  index extent;
  std::vector<double> values;
  explicit dense(const index& extents)
      : extent{extents},
        values(static_cast<std::size_t>(extents[0] * extents[1] * extents[2] * extents[3])) {}
  /// Extents of one are repeated.
  double& at(index i) {
    for (std::size_t d = 0; d < 4; ++d)
      if (extent[d] == 1) i[d] = 0;
    return values[static_cast<std::size_t>(((i[0] * extent[1] + i[1]) * extent[2] + i[2]) * extent[3] +
                                           i[3])];
  }
};

template <class Visit>
void for_each_index(const index& extent, const Visit& visit) {
  index i{};
  for (i[0] = 0; i[0] < extent[0]; ++i[0])
    for (i[1] = 0; i[1] < extent[1]; ++i[1])
      for (i[2] = 0; i[2] < extent[2]; ++i[2])
        for (i[3] = 0; i[3] < extent[3]; ++i[3]) visit(i);
}

index four_of(const description& tensor, cudnnBackendAttributeName_t name) {
  index all{};
  for (std::size_t d = 0; d < 4; ++d) all[d] = tensor.get<std::int64_t>(name, d);
  return all;
}
index extents_of(const description& tensor) { return four_of(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS); }
cudaDataType_t type_of(const description& tensor) {
  return tensor.get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE) == CUDNN_DATA_BFLOAT16 ? CUDA_R_16BF
                                                                                         : CUDA_R_32F;
}

/// Calls visit(address, indices of the elements there) for each run of neighbours in memory.
template <class Visit>
void for_each_run(const description& tensor, void* memory, const Visit& visit) {
  const index extent = extents_of(tensor), stride = four_of(tensor, CUDNN_ATTR_TENSOR_STRIDES);
  const auto along = static_cast<std::size_t>(std::ranges::find(stride, 1) - stride.begin());
  index starts = extent;
  starts[along] = 1;
  for_each_index(starts, [&](index first) {
    std::int64_t offset = 0;
    for (std::size_t d = 0; d < 4; ++d) offset += first[d] * stride[d];
    std::vector<index> elements;
    for (first[along] = 0; first[along] < extent[along]; ++first[along]) elements.push_back(first);
    const std::int64_t bytes = type_of(tensor) == CUDA_R_16BF ? 2 : 4;
    visit(static_cast<std::byte*>(memory) + offset * bytes, elements);
  });
}

/// The values of a graph's tensors while its operations run.
class evaluation {
 public:
  evaluation(const std::map<std::int64_t, void*>& memory, const std::map<std::int64_t, double>& numbers)
      : memory_{memory}, numbers_{numbers} {}

  void run(const description& operation) {
    switch (operation.kind) {
      case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR:
        return multiply(operation);
      case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
        return pointwise(operation);
      case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
        return reduce(operation);
      case CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR:
        return reshape(operation);
      default:
        throw ptx::fault{"the mock cuDNN does not know this operation"};
    }
  }

 private:
  void multiply(const description& operation) {
    dense &a = input(operation.other(CUDNN_ATTR_OPERATION_MATMUL_ADESC)),
          &b = input(operation.other(CUDNN_ATTR_OPERATION_MATMUL_BDESC));
    const description& result = operation.other(CUDNN_ATTR_OPERATION_MATMUL_CDESC);
    if (a.extent[3] != b.extent[2]) throw ptx::fault{"the extents of a product do not match"};
    dense c{extents_of(result)};
    for_each_index(c.extent, [&](const index& i) {
      double sum = 0;
      for (std::int64_t k = 0; k < a.extent[3]; ++k)
        sum += a.at({i[0], i[1], i[2], k}) * b.at({i[0], i[1], k, i[3]});
      c.at(i) = sum;
    });
    output(result, std::move(c));
  }

  void pointwise(const description& operation) {
    const auto mode = operation.other(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
                          .get<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
    const description& result = operation.other(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
    dense& x = input(operation.other(CUDNN_ATTR_OPERATION_POINTWISE_XDESC));
    dense nothing{{1, 1, 1, 1}};
    const bool binary = operation.attributes.contains(CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
    dense& second = binary ? input(operation.other(CUDNN_ATTR_OPERATION_POINTWISE_BDESC)) : nothing;
    dense y{extents_of(result)};
    for_each_index(y.extent, [&](const index& i) { y.at(i) = computed(mode, x.at(i), second.at(i)); });
    output(result, std::move(y));
  }
  static double computed(cudnnPointwiseMode_t mode, double x, double second) {
    switch (mode) {
      case CUDNN_POINTWISE_ADD:
        return x + second;
      case CUDNN_POINTWISE_SUB:
        return x - second;
      case CUDNN_POINTWISE_MUL:
        return x * second;
      case CUDNN_POINTWISE_DIV:
        return x / second;
      case CUDNN_POINTWISE_EXP:
        return std::exp(x);
      case CUDNN_POINTWISE_LOG:
        return std::log(x);
      default:
        throw ptx::fault{"the mock cuDNN does not know this function"};
    }
  }

  void reduce(const description& operation) {
    const bool maximum =
        operation.other(CUDNN_ATTR_OPERATION_REDUCTION_DESC)
            .get<cudnnReduceTensorOp_t>(CUDNN_ATTR_REDUCTION_OPERATOR) == CUDNN_REDUCE_TENSOR_MAX;
    const description& result = operation.other(CUDNN_ATTR_OPERATION_REDUCTION_YDESC);
    dense& x = input(operation.other(CUDNN_ATTR_OPERATION_REDUCTION_XDESC));
    dense y{extents_of(result)};
    std::ranges::fill(y.values, maximum ? -INFINITY : 0.0);
    for_each_index(x.extent, [&](const index& i) {
      double& sum = y.at(i);
      sum = maximum ? std::max(sum, x.at(i)) : sum + x.at(i);
    });
    output(result, std::move(y));
  }

  /// Swaps the last two extents, as reshapes in attention do.
  void reshape(const description& operation) {
    const description& result = operation.other(CUDNN_ATTR_OPERATION_RESHAPE_YDESC);
    dense& x = input(operation.other(CUDNN_ATTR_OPERATION_RESHAPE_XDESC));
    dense y{extents_of(result)};
    for_each_index(y.extent, [&](const index& i) { y.at(i) = x.at({i[0], i[1], i[3], i[2]}); });
    output(result, std::move(y));
  }

  dense& input(const description& tensor) {
    const auto name = tensor.get<std::int64_t>(tensor_name);
    if (const auto known = values_.find(name); known != values_.end()) return known->second;
    if (flag(tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL)) throw ptx::fault{"an operation reads what none computed"};
    dense read{extents_of(tensor)};
    if (flag(tensor, CUDNN_ATTR_TENSOR_IS_BY_VALUE))
      read.values.front() = numbers_.at(name);
    else
      for_each_run(tensor, memory_.at(name), [&](void* from, const std::vector<index>& elements) {
        const auto run = typed_values{type_of(tensor), elements.size()}.fetch(from);
        for (std::size_t i = 0; i < run.size(); ++i) read.at(elements[i]) = run[i];
      });
    return values_.emplace(name, std::move(read)).first->second;
  }

  /// Rounds to the type of the tensor.
  void output(const description& tensor, dense result) {
    const auto name = tensor.get<std::int64_t>(tensor_name);
    for (double& value : result.values)
      value = type_of(tensor) == CUDA_R_16BF ? double{static_cast<float>(bfloat16{value})}
                                             : double{static_cast<float>(value)};
    if (!flag(tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL))
      for_each_run(tensor, memory_.at(name), [&](void* to, const std::vector<index>& elements) {
        std::vector<double> run;
        for (const index& each : elements) run.push_back(result.at(each));
        typed_values{type_of(tensor), run.size()}.store(to, run);
      });
    values_.insert_or_assign(name, std::move(result));
  }

  const std::map<std::int64_t, void*>& memory_;
  const std::map<std::int64_t, double>& numbers_;
  std::map<std::int64_t, dense> values_;
};

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
    all += mode == CUDNN_POINTWISE_ADD   ? '+'
           : mode == CUDNN_POINTWISE_SUB ? '-'
           : mode == CUDNN_POINTWISE_MUL ? '*'
           : mode == CUDNN_POINTWISE_DIV ? '/'
           : mode == CUDNN_POINTWISE_EXP ? 'e'
           : mode == CUDNN_POINTWISE_LOG ? 'l'
                                         : '?';
  }
  return all;
}
constexpr std::string_view forward = "P*R-eRl+/P", backward = "*R*P*-eTPP-**TPTP";

}  // namespace

bool is_attention(const std::vector<const description*>& operations) {
  const std::string all = letters(operations);
  return all == forward || all == backward;
}

/// If PRETEXT_MOCK_CUDNN is "refuses", the first engine executes no attention of two heads, neither engine
/// that of one head, nor the backward pass of three.
bool executes_attention(int engine, const std::vector<const description*>& operations) {
  const char* const mode = std::getenv("PRETEXT_MOCK_CUDNN");
  if (!mode || std::string_view{mode} != "refuses") return true;
  const bool back = letters(operations) == backward;
  const std::int64_t heads = extents_of(operations.back()->other(CUDNN_ATTR_OPERATION_MATMUL_CDESC))[1];
  return heads > 3 || (heads == 3 && !back) || (heads == 2 && engine == 1);
}

std::int64_t bytes_between_products(const std::vector<const description*>& operations) {
  if (letters(operations) != backward) return 0;
  const index of = extents_of(operations.back()->other(CUDNN_ATTR_OPERATION_MATMUL_CDESC));
  return 2 * of[0] * of[1] * ((of[2] + 63) / 64 * 64) * ((of[2] + 127) / 128 * 128);
}

ptx::library_work attention_size(const std::vector<const description*>& operations) {
  ptx::library_work sum;
  for (const description* each : operations) {
    if (each->kind != CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR) continue;
    const index a = extents_of(each->other(CUDNN_ATTR_OPERATION_MATMUL_ADESC)),
                c = extents_of(each->other(CUDNN_ATTR_OPERATION_MATMUL_CDESC));
    sum.flops += 2. * static_cast<double>(c[0] * c[1] * c[2] * c[3] * a[3]);
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

void attend(const std::vector<const description*>& operations, const std::map<std::int64_t, void*>& memory,
            const std::map<std::int64_t, double>& numbers) {
  evaluation values{memory, numbers};
  for (const description* each : operations) values.run(*each);
}

}  // namespace pretext::tests::mock_cudnn
