// A mock of cuDNN for the calls that devices/cuda/cudnn_plans.hpp makes: convolutions run as plain loops,
// graphs of several operations in fused_graphs.cpp. It is active only if PRETEXT_MOCK_CUDNN is set; otherwise
// cuDNN cannot be started, and our own kernels compute all.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "cuda/mock_times.hpp"
#include "cudnn.hpp"

using namespace pretext::tests;
using namespace pretext::tests::mock_cudnn;

namespace {

/// A tensor of four extents with its values in double.
struct tensor {
  std::int64_t extent[4], stride[4], name;
  typed_values stored{};
  std::vector<double> values{};

  explicit tensor(const description& descriptor)
      : name{descriptor.get<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID)} {
    std::int64_t count = 1;
    for (std::size_t i = 0; i < 4; ++i) {
      extent[i] = descriptor.get<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, i);
      stride[i] = descriptor.get<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES, i);
      count *= extent[i];
    }
    const bool half = descriptor.get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE) == CUDNN_DATA_BFLOAT16;
    stored = {half ? CUDA_R_16BF : CUDA_R_32F, static_cast<std::size_t>(count)};
    values.resize(stored.count);
  }
  double& at(std::int64_t i, std::int64_t channel, std::int64_t row, std::int64_t column) {
    return values[static_cast<std::size_t>(i * stride[0] + channel * stride[1] + row * stride[2] +
                                           column * stride[3])];
  }
};

/// Calls visit(element of x, of w, of y) for every multiplication of y = x * w or one of its gradients.
template <class Visit>
void for_each_multiplication(tensor& x, tensor& w, tensor& y, std::int64_t stride, std::int64_t padding,
                             const Visit& visit) {
  for (std::int64_t b = 0; b < y.extent[0]; ++b)
    for (std::int64_t p = 0; p < y.extent[2]; ++p)
      for (std::int64_t q = 0; q < y.extent[3]; ++q)
        for (std::int64_t i = 0; i < w.extent[2]; ++i)
          for (std::int64_t j = 0; j < w.extent[3]; ++j) {
            const std::int64_t row = p * stride + i - padding, column = q * stride + j - padding;
            if (row < 0 || column < 0 || row >= x.extent[2] || column >= x.extent[3]) continue;
            for (std::int64_t o = 0; o < y.extent[1]; ++o)
              for (std::int64_t c = 0; c < x.extent[1]; ++c)
                visit(x.at(b, c, row, column), w.at(o, c, i, j), y.at(b, o, p, q));
          }
}

/// The attribute names of one direction.
struct pass {
  cudnnBackendAttributeName_t convolution, x, w, y, alpha, beta;
  char result;
};
constexpr pass all_passes[] = {
    {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 'y'},
    {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, 'x'},
    {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
     'w'}};
const pass& pass_of(const description& operation) {
  for (const pass& one : all_passes)
    if (operation.attributes.contains(one.convolution)) return one;
  throw ptx::fault{"the cuDNN operation is not a convolution"};
}

/// Whether the attribute is alpha or beta, which cuDNN takes as float or double alone.
bool is_scale(cudnnBackendAttributeName_t name) {
  return std::ranges::any_of(all_passes,
                             [&](const pass& one) { return name == one.alpha || name == one.beta; });
}

/// Whether the operation computes gradients of weights in float from bfloat16.
bool widens_weights(const description& operation) {
  const pass& attributes = pass_of(operation);
  const auto type = [&](cudnnBackendAttributeName_t name) {
    return operation.other(name).get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
  };
  return attributes.result == 'w' && type(attributes.x) == CUDNN_DATA_BFLOAT16 &&
         type(attributes.w) == CUDNN_DATA_FLOAT;
}

/// The factor of what the result holds: 0, and it is not read, unless the operation has another.
double beta_of(const description& operation) { return operation.scale(pass_of(operation).beta, 0); }

void convolve(const description& operation, const std::map<std::int64_t, void*>& memory) {
  const pass& attributes = pass_of(operation);
  const description& convolution = operation.other(attributes.convolution);
  tensor x{operation.other(attributes.x)}, w{operation.other(attributes.w)}, y{operation.other(attributes.y)};
  tensor* const result = attributes.result == 'x' ? &x : attributes.result == 'w' ? &w : &y;
  for (tensor* each : {&x, &w, &y})
    if (each != result) each->values = each->stored.fetch(memory.at(each->name));
  const double alpha = operation.scale(attributes.alpha, 1), beta = beta_of(operation);
  std::vector<double> before(result->values.size());
  if (beta != 0) before = result->stored.fetch(memory.at(result->name));
  const auto stride = convolution.get<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
             padding = convolution.get<std::int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  for_each_multiplication(x, w, y, stride, padding, [&](double& image, double& filter, double& sum) {
    if (result == &y)
      sum += image * filter;
    else if (result == &x)
      image += sum * filter;
    else
      filter += sum * image;
  });
  for (std::size_t i = 0; i < before.size(); ++i)
    result->values[i] = alpha * result->values[i] + beta * before[i];
  result->stored.store(memory.at(result->name), result->values);
}

bool has_sums(const std::vector<const description*>& operations) {
  return operations.size() == 2 && operations[1]->kind == CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR;
}
/// The sums of each channel and of its squares.
void sum_channels(const description& statistics, const std::map<std::int64_t, void*>& memory) {
  tensor x{statistics.other(CUDNN_ATTR_OPERATION_GENSTATS_XDESC)},
      sum{statistics.other(CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC)},
      squares{statistics.other(CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC)};
  x.values = x.stored.fetch(memory.at(x.name));
  for (std::int64_t b = 0; b < x.extent[0]; ++b)
    for (std::int64_t c = 0; c < x.extent[1]; ++c)
      for (std::int64_t p = 0; p < x.extent[2]; ++p)
        for (std::int64_t q = 0; q < x.extent[3]; ++q) {
          const double value = x.at(b, c, p, q);
          sum.at(0, c, 0, 0) += value;
          squares.at(0, c, 0, 0) += value * value;
        }
  sum.stored.store(memory.at(sum.name), sum.values);
  squares.stored.store(memory.at(squares.name), squares.values);
}

ptx::library_work convolution_size(const description& operation) {
  const pass& attributes = pass_of(operation);
  const auto extent = [&](cudnnBackendAttributeName_t of, std::size_t axis) {
    return static_cast<double>(operation.other(of).get<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, axis));
  };
  ptx::library_work size{.contracted = static_cast<std::size_t>(extent(attributes.w, 1))};
  const auto numbers = [&](cudnnBackendAttributeName_t of) {
    return extent(of, 0) * extent(of, 1) * extent(of, 2) * extent(of, 3);
  };
  size.flops = 2 * numbers(attributes.y) * numbers(attributes.w) / extent(attributes.w, 0);
  for (const auto each : {attributes.x, attributes.w, attributes.y})
    size.bytes +=
        numbers(each) *
        (operation.other(each).get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE) == CUDNN_DATA_BFLOAT16 ? 2
                                                                                                        : 4);
  if (beta_of(operation) != 0)
    size.bytes += 2 * numbers(attributes.result == 'x' ? attributes.x : attributes.w);
  return size;
}

/// If PRETEXT_MOCK_CUDNN is "refuses", the first engine does not execute convolutions with strides, and
/// neither engine those with filters of seven rows, or with strides if they add to what the result holds.
bool executes(int engine, const description& operation) {
  const char* const mode = std::getenv("PRETEXT_MOCK_CUDNN");
  if (!mode || std::strcmp(mode, "refuses") != 0) return true;
  const pass& attributes = pass_of(operation);
  const auto stride =
      operation.other(attributes.convolution).get<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  const auto rows = operation.other(attributes.w).get<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, 2);
  return rows < 7 && (stride == 1 || (engine == 1 && beta_of(operation) == 0));
}

/// Like cuDNN 9 on Hopper, nothing turns bfloat16 into gradients of weights in float.
bool is_offered(const std::vector<const description*>& operations) {
  return name_of_graph(operations) || has_sums(operations) ||
         (operations.size() == 1 && !widens_weights(*operations.front()));
}

cudaStream_t current = nullptr;
std::int64_t workspace_of(int engine, const std::vector<const description*>& operations) {
  return 1000 * (engine + 1) + bytes_between_products(operations);
}

}  // namespace

extern "C" {

std::size_t cudnnGetVersion() { return 91900; }
cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  if (!std::getenv("PRETEXT_MOCK_CUDNN")) return CUDNN_STATUS_NOT_INITIALIZED;
  static int any;
  *handle = reinterpret_cast<cudnnHandle_t>(&any);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t) { return CUDNN_STATUS_SUCCESS; }
cudnnStatus_t cudnnSetStream(cudnnHandle_t, cudaStream_t stream) {
  current = stream;
  return CUDNN_STATUS_SUCCESS;
}
const char* cudnnGetErrorString(cudnnStatus_t) { return "the mock cuDNN refuses this call"; }

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t kind,
                                           cudnnBackendDescriptor_t* result) {
  *result = new description{.kind = kind};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t old) {
  delete &of(old);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t) { return CUDNN_STATUS_SUCCESS; }
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t to, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t count,
                                       const void* values) {
  if (is_scale(name) && (count != 1 || (type != CUDNN_TYPE_FLOAT && type != CUDNN_TYPE_DOUBLE)))
    return CUDNN_STATUS_NOT_SUPPORTED;
  const auto* const first = static_cast<const std::byte*>(values);
  of(to).attributes[name].assign(first, first + static_cast<std::size_t>(count) * bytes_of(type));
  if (name == CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH) of(to).graph = &of(to).other(name);
  if (name == CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG) {
    of(to).graph = of(to).other(name).graph;
    of(to).engine = of(to).other(name).engine;
  }
  return CUDNN_STATUS_SUCCESS;
}
/// Offers engines on tensor cores that need some workspace.
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t from, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t, std::int64_t max_count,
                                       std::int64_t* count, void* values) {
  *count = 1;
  switch (name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS:
      if (!is_offered(operations_of(*of(from).graph))) return *count = 0, CUDNN_STATUS_SUCCESS;
      for (*count = 0; *count < std::min(max_count, std::ssize(milliseconds_of.plans)); ++*count) {
        void* proposal = nullptr;
        std::memcpy(&proposal, static_cast<void**>(values) + *count, sizeof proposal);
        of(proposal).graph = of(from).graph;
        of(proposal).engine = static_cast<int>(*count);
      }
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINECFG_ENGINE:
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
      *static_cast<cudnnBackendNumericalNote_t*>(values) = CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
      return *static_cast<std::int64_t*>(values) =
                 workspace_of(of(from).engine, operations_of(*of(from).graph)),
             CUDNN_STATUS_SUCCESS;
    default:
      return CUDNN_STATUS_NOT_SUPPORTED;
  }
}
cudnnStatus_t cudnnBackendExecute(cudnnHandle_t, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  const auto operations = operations_of(*of(plan).graph);
  const char* const fused = name_of_graph(operations);
  if (!(fused ? executes_graph(of(plan).engine, operations) : executes(of(plan).engine, *operations.front())))
    return CUDNN_STATUS_EXECUTION_FAILED;
  const float milliseconds = milliseconds_of.plans.at(static_cast<std::size_t>(of(plan).engine));
  if (milliseconds < 0) return CUDNN_STATUS_EXECUTION_FAILED;
  std::map<std::int64_t, void*> memory;
  for (std::size_t i = 0; i < of(pack).count(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS); ++i)
    memory[of(pack).get<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, i)] =
        of(pack).get<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, i);
  void* const workspace = of(pack).get<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
  const auto numbers = fused ? numbers_of_host(operations, memory) : std::map<std::int64_t, double>{};
  ptx::library_work size = fused ? graph_size(operations) : convolution_size(*operations.front());
  size.milliseconds = milliseconds;
  const auto bytes = static_cast<std::size_t>(workspace_of(of(plan).engine, operations));
  enqueue_library_work(current,
                       fused                  ? fused
                       : has_sums(operations) ? "summing-convolution"
                                              : "convolution",
                       size, [=] {
                         library_output(workspace, bytes);
                         if (fused)
                           evaluate(operations, memory, numbers);
                         else
                           convolve(*operations.front(), memory);
                         if (has_sums(operations)) sum_channels(*operations[1], memory);
                       });
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"
