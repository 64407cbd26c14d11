#pragma once
#include <pretext/devices/cuda.hpp>

#include "recorded.hpp"

namespace pretext::tests {

/// A GPU reads the CPU's results from the recording.
template <class Numerics>
struct reference<cuda_gpu, Numerics> : replay {};

// Defined in gpu_recorded.cpp, one per test body of the same name.
void record_elementwise_kernels();
void record_matrix_products();
void record_linear_layers();
void record_convolutions();
void record_batch_norms();
void record_pooling();
void record_losses_of_views();
void record_composed_losses();
void record_batch_losses();
void record_optimizer_steps();
void record_normalised_rows();
void record_normalised_convolutions();
void record_clipped_gradients();
void record_values_by_step();
void record_depthwise_convolutions();
void record_parts_of_mobile_networks();
void record_parts_of_transformers();
void record_augmentations();
void record_other_channels();
void record_photometric_operations();
void record_layer_norms();
void record_attentions();
void record_gelus();
void record_selected_positions();
void record_masks_and_dropped_paths();
void record_classes();
void record_transformer_steps();
void record_rounded_steps();
void record_joint_embedding_steps();
void record_sums_of_losses();
void record_device_dataset_views();
void record_steps_in_bfloat16();

}  // namespace pretext::tests
