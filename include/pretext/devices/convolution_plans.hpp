#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>
#include <pretext/core/expects.hpp>
#include <pretext/devices/cudnn_descriptor.hpp>

namespace pretext::detail {

/// What a convolution computes: its result, or the gradient of its input or of its weights.
enum class convolution_pass { forward, data, weights };

/// A convolution in cuDNN's terms: images (batch, in, height, width), results (batch, out, out_height,
/// out_width) and filters (out, in, rows, columns), all with the channels last in memory. Images and results
/// are stored as `number`.
struct planned_convolution {
  convolution_pass pass;
  cudnnDataType_t number, of_filters;
  std::int64_t batch, height, width, in, out, out_height, out_width, rows, columns, stride, padding;
  friend auto operator<=>(const planned_convolution&, const planned_convolution&) = default;
};

/// cuDNN with what it has chosen for every convolution that was ever asked for: once, the first of its
/// heuristics' proposals for tensor cores that adds in a fixed order and in float, so that a step repeated is
/// the same bits.
class convolution_plans {
 public:
  struct plan {
    std::vector<cudnn_descriptor> parts;  ///< the last is the execution plan
    std::size_t workspace = 0;            ///< bytes
    bool possible() const { return !parts.empty(); }
  };

  convolution_plans() = default;
  convolution_plans(const convolution_plans&) = delete;
  convolution_plans& operator=(const convolution_plans&) = delete;
  ~convolution_plans() {
    plans_.clear();
    if (handle_) cudnnDestroy(handle_);
  }

  /// Not `possible` where cuDNN has nothing that will do.
  const plan& find(const planned_convolution& c) {
    if (const auto known = plans_.find(c); known != plans_.end()) return known->second;
    if (!handle_ && cudnnCreate(&handle_) != CUDNN_STATUS_SUCCESS) handle_ = nullptr;
    return plans_.emplace(c, handle_ ? choose(c) : plan{}).first->second;
  }

  /// Images, results and filters lie where 16 bytes begin.
  void run(cudaStream_t on, const plan& chosen, const void* images, const void* results, const void* filters,
           void* workspace) {
    const std::array<std::int64_t, 3> names{image_name, result_name, filter_name};
    const std::array<const void*, 3> where{images, results, filters};
    cudnn_descriptor memory{CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR};
    memory.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, names.data(), 3);
    memory.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, where.data(), 3);
    memory.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
    memory.finish();
    if (!memory.good()) fail<std::runtime_error>("cuDNN refused the memory of a convolution");
    expects_done(cudnnSetStream(handle_, on));
    expects_done(cudnnBackendExecute(handle_, chosen.parts.back().raw(), memory.raw()));
  }

 private:
  static constexpr std::int64_t image_name = 'x', result_name = 'y', filter_name = 'w';
  // Newer versions call these two deprecated, all of version 9 take them.
  static constexpr auto graph_handle = static_cast<cudnnBackendAttributeName_t>(800),
                        plan_handle = static_cast<cudnnBackendAttributeName_t>(400);

  static void expects_done(cudnnStatus_t status) {
    if (status != CUDNN_STATUS_SUCCESS) [[unlikely]]
      fail<std::runtime_error>("cuDNN failed at a convolution: ", cudnnGetErrorString(status));
  }

  static cudnn_descriptor tensor(std::int64_t name, cudnnDataType_t number, std::int64_t outer,
                                 std::int64_t channels, std::int64_t height, std::int64_t width) {
    cudnn_descriptor made{CUDNN_BACKEND_TENSOR_DESCRIPTOR};
    made.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, {name});
    made.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, number);
    made.set(CUDNN_ATTR_TENSOR_DIMENSIONS, {outer, channels, height, width});
    made.set(CUDNN_ATTR_TENSOR_STRIDES, {height * width * channels, 1, width * channels, channels});
    made.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {16});
    made.finish();
    return made;
  }

  /// What each pass calls its descriptor and its attributes.
  struct words {
    cudnnBackendDescriptorType_t kind;
    cudnnBackendAttributeName_t alpha, beta, how, images, results, filters;
  };
  static words words_of(convolution_pass pass) {
    if (pass == convolution_pass::forward)
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W};
    if (pass == convolution_pass::data)
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W};
    return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW};
  }

  /// A graph of one operation, after the descriptors that it is made of.
  std::vector<cudnn_descriptor> graph_of(const planned_convolution& c) const {
    std::vector<cudnn_descriptor> parts;
    parts.push_back(tensor(image_name, c.number, c.batch, c.in, c.height, c.width));
    parts.push_back(tensor(result_name, c.number, c.batch, c.out, c.out_height, c.out_width));
    parts.push_back(tensor(filter_name, c.of_filters, c.out, c.in, c.rows, c.columns));

    cudnn_descriptor how{CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR};
    how.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    how.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, CUDNN_CROSS_CORRELATION);
    how.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {2});
    how.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {c.padding, c.padding});
    how.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, {c.padding, c.padding});
    how.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {c.stride, c.stride});
    how.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, {1, 1});
    how.finish();
    parts.push_back(std::move(how));

    const words name = words_of(c.pass);
    cudnn_descriptor operation{name.kind};
    operation.set(name.how, parts[3]);
    operation.set(name.images, parts[0]);
    operation.set(name.results, parts[1]);
    operation.set(name.filters, parts[2]);
    operation.set(name.alpha, CUDNN_TYPE_FLOAT, 1.0f);
    operation.set(name.beta, CUDNN_TYPE_FLOAT, 0.0f);
    operation.finish();
    parts.push_back(std::move(operation));

    cudnn_descriptor graph{CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR};
    graph.set(graph_handle, CUDNN_TYPE_HANDLE, handle_);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, parts.back());
    graph.finish();
    parts.push_back(std::move(graph));
    return parts;
  }

  /// On tensor cores, in a fixed order, in float, and what was asked for rather than a transform of it?
  static bool will_do(const cudnn_descriptor& proposal) {
    std::vector<cudnn_descriptor> engine;
    engine.emplace_back(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    if (proposal.get(CUDNN_ATTR_ENGINECFG_ENGINE, engine) != 1) return false;
    const auto notes = engine.front().get<cudnnBackendNumericalNote_t>(
        CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
    const auto noted = [&](cudnnBackendNumericalNote_t note) {
      return std::ranges::find(notes, note) != notes.end();
    };
    return noted(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) && !noted(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC) &&
           !noted(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) && !noted(CUDNN_NUMERICAL_NOTE_FFT) &&
           !noted(CUDNN_NUMERICAL_NOTE_WINOGRAD);
  }

  /// How much workspace a plan may want: some, or half of what the convolution reads and writes anyway.
  static std::size_t most_workspace(const planned_convolution& c) {
    const std::int64_t numbers = c.batch * (c.height * c.width * c.in + c.out_height * c.out_width * c.out);
    const std::int64_t bytes = c.number == CUDNN_DATA_BFLOAT16 ? 2 : 4;
    return std::max(std::size_t{64} << 20, static_cast<std::size_t>(numbers * bytes / 2));
  }

  plan choose(const planned_convolution& c) const {
    plan made;
    made.parts = graph_of(c);
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      cudnn_descriptor advice{CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR};
      advice.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, made.parts.back());
      advice.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
      advice.finish();
      constexpr std::size_t most_proposals = 32;
      std::vector<cudnn_descriptor> proposals;
      for (std::size_t i = 0; i < most_proposals; ++i)
        proposals.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
      const std::size_t found = advice.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, proposals);
      for (std::size_t i = 0; i < found; ++i) {
        cudnn_descriptor& proposal = proposals[i];
        if (!will_do(proposal)) continue;
        cudnn_descriptor execution{CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR};
        execution.set(plan_handle, CUDNN_TYPE_HANDLE, handle_);
        execution.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, proposal);
        execution.finish();
        const auto bytes =
            execution.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1);
        if (bytes.size() != 1 || static_cast<std::size_t>(bytes[0]) > most_workspace(c)) continue;
        made.parts.push_back(std::move(proposal));
        made.parts.push_back(std::move(execution));
        made.workspace = static_cast<std::size_t>(bytes[0]);
        return made;
      }
    }
    return {};
  }

  cudnnHandle_t handle_ = nullptr;
  std::map<planned_convolution, plan> plans_;
};

}  // namespace pretext::detail
