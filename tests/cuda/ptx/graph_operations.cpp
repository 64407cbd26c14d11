// The operations of a graph in the mock of cuDNN, computed one after the other.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include <pretext/core/bfloat16.hpp>

#include "cudnn.hpp"

namespace pretext::tests::mock_cudnn {
namespace {

/// A tensor of four extents, in double and in the order of its extents; one of three has a first one of 1.
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

/// Calls visit(address, indices of the elements there) for each run of neighbours in memory.
template <class Visit>
void for_each_run(const description& tensor, void* memory, const Visit& visit) {
  const index extent = extents_of(tensor), stride = four_of(tensor, CUDNN_ATTR_TENSOR_STRIDES, 0);
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
    const bool gradient = operation.attributes.contains(CUDNN_ATTR_OPERATION_POINTWISE_DYDESC);
    const description& result = operation.other(gradient ? CUDNN_ATTR_OPERATION_POINTWISE_DXDESC
                                                         : CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
    dense& x = input(operation.other(CUDNN_ATTR_OPERATION_POINTWISE_XDESC));
    dense nothing{{1, 1, 1, 1}};
    const auto of_second =
        gradient ? CUDNN_ATTR_OPERATION_POINTWISE_DYDESC : CUDNN_ATTR_OPERATION_POINTWISE_BDESC;
    dense& second = operation.attributes.contains(of_second) ? input(operation.other(of_second)) : nothing;
    dense y{extents_of(result)};
    for_each_index(y.extent, [&](const index& i) { y.at(i) = computed(mode, x.at(i), second.at(i)); });
    output(result, std::move(y));
  }
  /// `second` is the gradient of the result where the function is a derivative.
  static double computed(cudnnPointwiseMode_t mode, double x, double second) {
    const auto normal = [&] { return 0.5 * std::erfc(-x / std::numbers::sqrt2); };
    const auto density = [&] {
      return std::exp(-x * x / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    };
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
      case CUDNN_POINTWISE_GELU_FWD:
        return x * normal();
      case CUDNN_POINTWISE_GELU_BWD:
        return (normal() + x * density()) * second;
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

}  // namespace

void evaluate(const std::vector<const description*>& operations, const std::map<std::int64_t, void*>& memory,
              const std::map<std::int64_t, double>& numbers) {
  evaluation values{memory, numbers};
  for (const description* each : operations) values.run(*each);
}

}  // namespace pretext::tests::mock_cudnn
