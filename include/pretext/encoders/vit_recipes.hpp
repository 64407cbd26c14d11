// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <ratio>

#include <pretext/layers/initialisers.hpp>
#include <pretext/layers/layer_scale.hpp>
#include <pretext/layers/mlp.hpp>
#include <pretext/layers/patch_embedding.hpp>
#include <pretext/layers/position_resampling.hpp>
#include <pretext/layers/positions.hpp>
#include <pretext/layers/swiglu_mlp.hpp>

// A recipe holds everything that defines a vision transformer besides its size: structure, initialisers,
// weight decay. Derive from one to change a line of it.
namespace pretext::inline v0_1 {

/// The feature of a vision transformer: its class token after the last norm; the mean of its patch tokens,
/// normalised afterwards (MAE's global_pool, timm's fc_norm); or the mean of the normalised patch tokens
/// (I-JEPA).
enum class token_pooling { class_token, mean, normed_mean };

/// The structure of a vision transformer, as Dosovitskiy et al. 2021 have it: what every recipe begins with.
struct vit_structure {
  /// The images whose grid of patches the table of positions belongs to; void: those that the encoder gets.
  /// With a shape, images of every size have the same parameters, and positions are resized to their grid.
  using grid = void;
  static constexpr position_resampling resampling = position_resampling::dino;
  static constexpr bool has_class_token = true;
  /// Whether the table of positions begins with a row for the class token.
  static constexpr bool class_token_has_position = true;
  /// Learned tokens after the class token that have no position (Darcet et al. 2024).
  static constexpr std::size_t registers = 0;
  static constexpr token_pooling feature = token_pooling::class_token;
  template <class Init>
  using perceptron = mlp<4, Init>;
  /// `no_layer_scale`, or `layer_scale` of both branches of every block.
  using branch_scale = no_layer_scale;
  /// Factor of the learning rate of the patch embedding; 0: it stays as it was drawn.
  static constexpr double patch_rate = 1;
};

/// A recipe whose table of positions belongs to the grid of these images: those of a `multi_crop`'s first
/// group, so that its other groups have the same parameters.
template <class Recipe, class Images>
struct with_grid : Recipe {
  using grid = Images;
};

/// MAE's pretraining (He et al. 2022, A.1 and the official code).
struct mae_pretraining : vit_structure {
  using linear_init = xavier_uniform;
  using patch_init = mae_patch_init;
  static constexpr initialiser class_token = initialiser::normal(0.02);
  static constexpr positions position = positions::fixed;
  static constexpr parameter_decay token_decay = parameter_decay::yes, position_decay = parameter_decay::no;
};

/// MAE's fine-tuning: positions are learned, starting from pretraining's table, and neither they nor the
/// class token have weight decay.
struct mae_fine_tuning : mae_pretraining {
  static constexpr positions position = positions::tuned;
  static constexpr parameter_decay token_decay = parameter_decay::no;
  static constexpr token_pooling feature = token_pooling::mean;
};

/// SimMIM's pretraining (Xie et al. 2022): as MAE's, but the feature is the mean of the normalised patch
/// tokens, because the loss does not read the class token. The official code fine-tunes a mean, too.
struct simmim_pretraining : mae_pretraining {
  static constexpr token_pooling feature = token_pooling::normed_mean;
};

/// timm's default for supervised training: learned positions, truncated normal weights.
struct supervised_init : vit_structure {
  using linear_init = truncated_normal_init<std::ratio<1, 50>>;
  using patch_init = torch_init;
  static constexpr initialiser class_token = initialiser::normal(1e-6);
  static constexpr positions position = positions::learned;
  static constexpr parameter_decay token_decay = parameter_decay::no, position_decay = parameter_decay::no;
};

/// DINO's and iBOT's pretraining (official code): class token and positions have weight decay.
struct dino_pretraining : supervised_init {
  static constexpr initialiser class_token = initialiser::truncated_normal(0.02);
  static constexpr parameter_decay token_decay = parameter_decay::yes, position_decay = parameter_decay::yes;
};

/// MSN's pretraining (Assran et al. 2022, official code).
struct msn_pretraining : dino_pretraining {
  using patch_init = kaiming_normal;
  static constexpr position_resampling resampling = position_resampling::bicubic;
};

/// DINOv2's pretraining (Oquab et al. 2024, official code): LayerScale, which starts at 1e-5, and a patch
/// embedding with a fifth of the learning rate.
struct dinov2_pretraining : dino_pretraining {
  static constexpr initialiser class_token = initialiser::normal(1e-6);
  using branch_scale = layer_scale<>;
  static constexpr double patch_rate = 0.2;
};

/// DINOv2 with registers (Darcet et al. 2024) in timm's form, whose table of positions has no row for the
/// class token.
struct dinov2_registers : dinov2_pretraining {
  static constexpr std::size_t registers = 4;
  static constexpr bool class_token_has_position = false;
};

/// DINOv2's giant transformer: gated perceptrons.
struct dinov2_giant : dinov2_pretraining {
  template <class Init>
  using perceptron = swiglu_mlp<4, Init>;
};

/// I-JEPA's pretraining (Assran et al. 2023, official code): no class token, fixed positions, the mean of the
/// normalised tokens.
struct ijepa_pretraining : supervised_init {
  using patch_init = truncated_normal_init<std::ratio<1, 50>>;
  static constexpr bool has_class_token = false;
  static constexpr positions position = positions::fixed;
  static constexpr token_pooling feature = token_pooling::normed_mean;
};

/// MoCo v3's initialisers of linear layers: Xavier uniform, for queries, keys and values each by itself.
struct moco_v3_linear_init : xavier_uniform {
  static constexpr initialiser weight(std::size_t in, std::size_t out) {
    return xavier_uniform::weight(in, out == 3 * in ? in : out);
  }
};

/// MoCo v3's pretraining (Chen et al. 2021, §4 and the official code): fixed positions, rows first, and a
/// patch embedding that is not learned.
struct moco_v3_pretraining : vit_structure {
  using linear_init = moco_v3_linear_init;
  using patch_init = xavier_uniform;
  static constexpr initialiser class_token = initialiser::normal(1e-6);
  static constexpr positions position = positions::fixed_rows_first;
  static constexpr parameter_decay token_decay = parameter_decay::yes, position_decay = parameter_decay::no;
  static constexpr double patch_rate = 0;
};

}  // namespace pretext::inline v0_1
