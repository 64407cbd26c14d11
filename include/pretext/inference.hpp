// SPDX-License-Identifier: MIT
#pragma once
// Trained encoders and classifiers on the CPU, without the code that trains: what a program needs that loads
// weights and computes features or classes. tests/headers/inference.cmake lists what this must not include.
// On a GPU, include <pretext/cuda.cuh> and the headers of inference/.
#include <pretext/core/version.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/encoders/convnext.hpp>
#include <pretext/encoders/mobilenet_v3.hpp>
#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/heads/linear_classifier.hpp>
#include <pretext/inference/classifier_context.hpp>
#include <pretext/inference/classifier_model.hpp>
#include <pretext/inference/encoder_metadata.hpp>
#include <pretext/inference/encoder_model.hpp>
#include <pretext/inference/inference_context.hpp>
#include <pretext/inference/inference_options.hpp>
#include <pretext/inference/preprocessing.hpp>
#include <pretext/kernels/cpu/attention.hpp>
#include <pretext/kernels/cpu/augment.hpp>
#include <pretext/kernels/cpu/batch_norm.hpp>
#include <pretext/kernels/cpu/convolution.hpp>
#include <pretext/kernels/cpu/depthwise_convolution.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gelu.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/layer_norm.hpp>
#include <pretext/kernels/cpu/layer_scale.hpp>
#include <pretext/kernels/cpu/linear.hpp>
#include <pretext/kernels/cpu/patches.hpp>
#include <pretext/kernels/cpu/pooling.hpp>
#include <pretext/kernels/cpu/tokens.hpp>
#include <pretext/layers/batch_norm.hpp>
#include <pretext/layers/gelu.hpp>
#include <pretext/layers/relu.hpp>
#include <pretext/layers/residual.hpp>
