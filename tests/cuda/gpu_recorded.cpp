// Records the CPU's results for the tests in .cu files.
#include "recorded.hpp"

#include <pretext/cpu.hpp>

#include "augmentation.hpp"
#include "batch_losses.hpp"
#include "bfloat16_training.hpp"
#include "network_kernels.hpp"
#include "queued_steps.hpp"
#include "training_steps.hpp"
#include "transformer_kernels.hpp"
#include "values_by_step.hpp"
#include "whole_layers.hpp"

namespace pretext::tests {

template <class Numerics>
struct reference<recorder, Numerics> {
  template <class Run>
  static results of(const Run& run) {
    recorded().push_back(run.template operator()<on<cpu, Numerics>>());
    return {};
  }
};

void record_elementwise_kernels() { elementwise_kernels<recorder>(); }
void record_matrix_products() { matrix_products<recorder>(); }
void record_linear_layers() { linear_layers<recorder>(); }
void record_convolutions() { convolutions<recorder>(); }
void record_batch_norms() { batch_norms<recorder>(); }
void record_pooling() { pooling<recorder>(); }
void record_losses_of_views() { losses_of_views<recorder>(); }
void record_composed_losses() { composed_losses<recorder>(); }
void record_batch_losses() { batch_losses<recorder>(); }
void record_optimizer_steps() { optimizer_steps<recorder>(); }
void record_normalised_rows() { normalised_rows<recorder>(); }
void record_normalised_convolutions() { normalised_convolutions<recorder>(); }
void record_clipped_gradients() { clipped_gradients<recorder>(); }
void record_values_by_step() { values_by_step<recorder>(); }
void record_depthwise_convolutions() { depthwise_convolutions<recorder>(); }
void record_parts_of_mobile_networks() { parts_of_mobile_networks<recorder>(); }
void record_parts_of_transformers() { parts_of_transformers<recorder>(); }
void record_augmentations() { augmentations<recorder>(); }
void record_other_channels() { other_channels<recorder>(); }
void record_photometric_operations() { photometric_operations<recorder>(); }
void record_layer_norms() { layer_norms<recorder>(); }
void record_attentions() { attentions<recorder>(); }
void record_gelus() { gelus<recorder>(); }
void record_selected_positions() { selected_positions<recorder>(); }
void record_masks_and_dropped_paths() { masks_and_dropped_paths<recorder>(); }
void record_classes() { classes<recorder>(); }
void record_transformer_steps() { transformer_steps<recorder>(); }
void record_rounded_steps() { rounded_steps<recorder>(); }
void record_joint_embedding_steps() { joint_embedding_steps<recorder>(); }
void record_sums_of_losses() { sums_of_losses<recorder>(); }
void record_device_dataset_views() { device_dataset_views<recorder>(); }
void record_steps_in_bfloat16() { steps_in_bfloat16<recorder>(); }

}  // namespace pretext::tests
