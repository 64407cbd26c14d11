#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include <pretext/devices/cuda/cudnn_descriptor.hpp>

namespace pretext::detail {

/// What a convolution computes: its result, or the gradient of its input or of its weights.
enum class convolution_pass { forward, data, weights };

/// A convolution in cuDNN's terms: images (batch, in, height, width), results (batch, out, out_height,
/// out_width) and filters (out, in, rows, columns), all with the channels last in memory. Images and results
/// are stored as `number`.
struct cudnn_convolution {
  convolution_pass pass;
  cudnnDataType_t number, of_filters;
  std::int64_t batch, height, width, in, out, out_height, out_width, rows, columns, stride, padding;
  friend auto operator<=>(const cudnn_convolution&, const cudnn_convolution&) = default;
};

/// What cuDNN calls the three tensors.
inline constexpr std::int64_t image_name = 'x', result_name = 'y', filter_name = 'w';

inline cudnn_descriptor tensor_of(std::int64_t name, cudnnDataType_t number, std::int64_t outer,
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
struct convolution_words {
  cudnnBackendDescriptorType_t kind;
  cudnnBackendAttributeName_t alpha, beta, how, images, results, filters;
};
inline convolution_words words_of(convolution_pass pass) {
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

/// A graph of one operation, after the descriptors that it is made of. The handle may be null where plans are
/// for a device that is not here.
inline std::vector<cudnn_descriptor> graph_of(const cudnn_convolution& c, cudnnHandle_t handle) {
  std::vector<cudnn_descriptor> parts;
  parts.push_back(tensor_of(image_name, c.number, c.batch, c.in, c.height, c.width));
  parts.push_back(tensor_of(result_name, c.number, c.batch, c.out, c.out_height, c.out_width));
  parts.push_back(tensor_of(filter_name, c.of_filters, c.out, c.in, c.rows, c.columns));

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

  const convolution_words name = words_of(c.pass);
  cudnn_descriptor operation{name.kind};
  operation.set(name.how, parts[3]);
  operation.set(name.images, parts[0]);
  operation.set(name.results, parts[1]);
  operation.set(name.filters, parts[2]);
  operation.set(name.alpha, CUDNN_TYPE_FLOAT, 1.0f);
  operation.set(name.beta, CUDNN_TYPE_FLOAT, 0.0f);
  operation.finish();
  parts.push_back(std::move(operation));

  constexpr auto graph_handle = static_cast<cudnnBackendAttributeName_t>(800);  // called deprecated by some
  cudnn_descriptor graph{CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR};
  if (handle) graph.set(graph_handle, CUDNN_TYPE_HANDLE, handle);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, parts.back());
  graph.finish();
  parts.push_back(std::move(graph));
  return parts;
}

}  // namespace pretext::detail
