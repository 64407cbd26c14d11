#pragma once
// The kernels of vision transformers, masking and fine-tuning, each compared with the CPU's.
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <pretext/kernels/gpu/operations.hpp>

#include "device_pair.hpp"

namespace pretext::tests {

template <class Device>
void layer_norms() {
  for (const auto& [rows, columns] :
       {std::pair<std::size_t, std::size_t>{3, 5}, {300, 130}, {11, 264}, {7, 1040}})
    same_on_both<Device>([r = rows, c = columns]<class Context>(workbench<Context>& at) {
      using T = typename Context::activation;
      using W = typename Context::weight;
      using norm = kernels::layer_norm<typename Context::device>;
      const auto x = at.activations(r * c, 1), dy = at.activations(r * c, 2),
                 shortcut = at.activations(r * c, 5);
      const auto gamma = random_values<W>(c, 3), beta = random_values<W>(c, 4);
      W *const mean = at.out_weights(r), *const inverse = at.out_weights(r), *const no_output = nullptr;
      T* const none = nullptr;
      norm::forward(at.context, r, c, at.in(x), W(1e-6), at.in(gamma), at.in(beta), at.out(r * c), mean,
                    inverse);
      norm::forward(at.context, r, c, at.in(x), W(1e-6), at.in(gamma), at.in(beta), at.out(r * c), no_output,
                    no_output);
      T* const in_place = at.out(shortcut);
      for (const T* shortcut_or_null :
           {static_cast<const T*>(none), at.in(shortcut), static_cast<const T*>(in_place)})
        norm::backward(at.context, r, c, at.in(dy), at.in(x), mean, inverse, at.in(gamma), shortcut_or_null,
                       shortcut_or_null == in_place ? in_place : at.out(r * c), at.out(gamma), at.out(beta));
      norm::backward(at.context, r, c, at.in(dy), at.in(x), mean, inverse, at.in(gamma),
                     static_cast<const T*>(none), none, at.out(gamma), at.out(beta));
    });
}

template <class D>
using default_attention = kernels::attention<D>;
template <class D>
struct own_attention : grid::recomputed_attention {};  // even where the default is cuDNN
template <class D>
  requires(!Accelerator<D>)
struct own_attention<D> : kernels::attention<D> {};

template <class Device, template <class> class Attention>
void check_attentions() {
  for (const kernels::attention_extents e : {kernels::attention_extents{1, 4, 2},
                                             {7, 12, 3},
                                             {64, 64, 1},
                                             {65, 32, 2},
                                             {65, 16, 1},
                                             {66, 48, 3},
                                             {70, 64, 4},
                                             {130, 140, 2},
                                             {130, 48, 2}})
    same_on_both<Device>(
        [=]<class Context>(workbench<Context>& at) {
          using T = typename Context::activation;
          using W = typename Context::weight;
          using attention = Attention<typename Context::device>;
          const std::size_t batch = 2, tokens = batch * e.tokens;
          const auto qkv = at.activations(tokens * 3 * e.width, 1), dy = at.activations(tokens * e.width, 2);
          W* const log_sum = at.out_weights(tokens * e.heads);
          T* const y = at.out(tokens * e.width);
          attention::forward(at.context, e, batch, at.in(qkv), y, log_sum);
          attention::forward(at.context, e, batch, at.in(qkv), at.out(tokens * e.width),
                             static_cast<W*>(nullptr));
          attention::backward(at.context, e, batch, at.in(qkv), static_cast<const T*>(y),
                              static_cast<const W*>(log_sum), at.in(dy), at.out(tokens * 3 * e.width));
        },
        1);  // probabilities
}

template <class Device>
void attentions() {
  check_attentions<Device, default_attention>();
  check_attentions<Device, own_attention>();
}

template <class Device>
void gelus() {
  same_on_both<Device>([]<class Context>(workbench<Context>& at) {
    using T = typename Context::activation;
    using gelu = kernels::gelu<typename Context::device>;
    const std::size_t r = 90, c = 72;
    using W = typename Context::weight;
    const auto x = at.activations(r * c, 1, 4), dy = at.activations(r * c, 3);
    const auto b = random_values<W>(c, 2);
    const auto behind = random_values<W>(c + 1, 6);
    // With a bias, one that is not aligned, and without.
    for (const W* bias : {at.in(b), at.in(behind) + 1, static_cast<const W*>(nullptr)})
      for (const bool in_place : {false, true}) {
        T* const kept = at.scratch(in_place ? x : std::vector<T>(r * c));
        gelu::forward(at.context, r, c, in_place ? static_cast<const T*>(kept) : at.in(x), bias,
                      at.out(r * c), kept);
        T* const dx = in_place ? at.out(dy) : at.out(r * c);
        gelu::backward(at.context, r, c, static_cast<const T*>(kept), bias,
                       in_place ? static_cast<const T*>(dx) : at.in(dy), dx,
                       in_place ? static_cast<W*>(nullptr) : at.out(b));
      }
    gelu::forward(at.context, r, c, at.in(x), at.in(b), at.out(r * c), static_cast<T*>(nullptr));
  });
}

/// A permutation of the positions for each sample.
inline std::vector<std::uint32_t> shuffled_positions(std::size_t batch, std::size_t positions) {
  std::vector<std::uint32_t> all;
  for (unsigned n = 0; n < batch; ++n) {
    std::vector<std::uint32_t> of_sample(positions);
    std::iota(of_sample.begin(), of_sample.end(), 0u);
    std::shuffle(of_sample.begin(), of_sample.end(), std::mt19937{n});
    all.insert(all.end(), of_sample.begin(), of_sample.end());
  }
  return all;
}

template <class Device>
void selected_positions() {
  const std::size_t batch = 3;
  const kernels::patch_extents e{9, 8, 3, 2};  // the last pixel row belongs to no patch
  const auto order = shuffled_positions(batch, e.patches());
  for (const auto& [count, width] : {std::pair<std::size_t, std::size_t>{5, 10}, {e.patches(), 16}, {5, 16}})
    for (const bool ordered : {false, true})
      same_on_both<Device>([=, count = count, width = width]<class Context>(workbench<Context>& at) {
        using T = typename Context::activation;
        using W = typename Context::weight;
        using device = typename Context::device;
        const kernels::index_list chosen{count, ordered ? at.in(order) : nullptr, e.patches()};
        const std::size_t pixels = batch * e.height * e.width * e.channels;
        const auto images = at.activations(pixels, 1),
                   rows = at.activations(batch * count * e.patch_dim(), 2);
        kernels::patches<device>::gather(at.context, e, batch, chosen, at.in(images), at.out(rows.size()));
        kernels::patches<device>::scatter(at.context, e, batch, chosen, at.in(rows), at.out(pixels));

        using sequence = kernels::prepend_tokens<device>;
        const auto x = at.activations(batch * count * width, 3);
        const auto first = random_values<W>(width, 4);
        for (const kernels::sequence_extents s :
             {kernels::sequence_extents{width}, {width, 3, 1}, {width, 2, 0}, {width, 0, 0}}) {
          const auto dy = at.activations(batch * (s.prefix + count) * width, 6);
          const auto prefix = random_values<W>(s.prefix * width, 4),
                     positions = random_values<W>((s.positioned + e.patches()) * width, 5);
          sequence::forward(at.context, s, batch, chosen, at.in(x), at.in(prefix), at.in(positions),
                            at.out(dy.size()));
          sequence::backward(at.context, s, batch, chosen, at.in(dy), at.out(x.size()), at.out(prefix),
                             at.out(positions));
          sequence::backward(at.context, s, batch, chosen, at.in(dy), static_cast<T*>(nullptr),
                             at.out(prefix), static_cast<W*>(nullptr));
          sequence::backward(at.context, s, batch, chosen, at.in(dy), at.out(x.size()),
                             static_cast<W*>(nullptr), at.out(positions));
        }

        const kernels::token_extents all{2, e.patches(), width};
        const auto tokens = at.activations(batch * all.tokens() * width, 7);
        kernels::gather_tokens<device>::forward(at.context, all, batch, chosen, at.in(tokens),
                                                at.out(x.size()));
        kernels::gather_tokens<device>::backward(at.context, all, batch, chosen, at.in(x),
                                                 at.out(tokens.size()));

        using restored = kernels::scatter_tokens<device>;
        const auto visible = at.activations(batch * (2 + count) * width, 8);
        const auto table = random_values<W>(all.tokens() * width, 9);
        kernels::index_list all_patches = chosen;
        all_patches.count = e.patches();
        restored::forward(at.context, all, batch, count, all_patches, at.in(visible), at.in(first),
                          at.in(table), at.out(tokens.size()));
        restored::forward(at.context, all, batch, count, all_patches, at.in(visible), at.in(first),
                          static_cast<const W*>(nullptr), at.out(tokens.size()));
        restored::backward(at.context, all, batch, count, all_patches, at.in(tokens), at.out(visible.size()),
                           at.out(first));

        using mean = kernels::token_mean<device>;
        const auto dmean = at.activations(batch * width, 10);
        mean::forward(at.context, batch, all.tokens(), width, 1, 7, at.in(tokens), at.out(batch * width));
        mean::backward(at.context, batch, all.tokens(), width, 1, 7, at.in(dmean), at.out(tokens.size()));

        for (const bool normalise : {false, true})
          for (const auto error : {pixel_error::squared, pixel_error::absolute}) {
            const auto prediction = at.activations(batch * count * e.patch_dim(), 11);
            at.loss(kernels::masked_pixels<device>::run(at.context, e, {normalise, error, 77.5}, batch,
                                                        chosen, at.in(images), at.in(prediction),
                                                        at.out(rows)));
          }
      });
  // rows of patches that are whole vectors; rows of images that are, or are not
  for (const kernels::patch_extents of : {kernels::patch_extents{8, 16, 4, 4}, {8, 18, 4, 4}, {8, 17, 4, 4}})
    same_on_both<Device>([=]<class Context>(workbench<Context>& at) {
      using patches = kernels::patches<typename Context::device>;
      const std::size_t count = 5, pixels = batch * of.height * of.width * of.channels;
      const kernels::index_list chosen{count, at.in(shuffled_positions(batch, of.patches())), of.patches()};
      const auto images = at.activations(pixels, 1), rows = at.activations(batch * count * of.patch_dim(), 2);
      patches::gather(at.context, of, batch, chosen, at.in(images), at.out(rows.size()));
      patches::scatter(at.context, of, batch, chosen, at.in(rows), at.out(pixels));
    });
  // a thread of a GPU has several vectors of a patch, or one; rows of images are not whole vectors; patches
  // are too large for a thread
  for (const kernels::patch_extents of :
       {kernels::patch_extents{32, 48, 3, 16}, {8, 16, 4, 4}, {8, 17, 4, 4}, {40, 40, 4, 20}})
    for (const bool normalise : {false, true})
      for (const auto error : {pixel_error::squared, pixel_error::absolute})
        same_on_both<Device>([=]<class Context>(workbench<Context>& at) {
          const std::size_t count = 2, values = batch * count * of.patch_dim();
          const kernels::index_list chosen{count, at.in(shuffled_positions(batch, of.patches())),
                                           of.patches()};
          const auto images = at.activations(batch * of.height * of.width * of.channels, 1),
                     prediction = at.activations(values, 2);
          at.loss(kernels::masked_pixels<typename Context::device>::run(
              at.context, of, {normalise, error, 77.5}, batch, chosen, at.in(images), at.in(prediction),
              at.out(at.activations(values, 3))));
        });
}

template <class Device>
void masks_and_dropped_paths() {
  same_on_both<Device>([]<class Context>(workbench<Context>& at) {
    using W = typename Context::weight;
    using device = typename Context::device;
    const std::vector<std::uint64_t> samples{5, 17, 1ull << 40};
    const sample_keys keys{9, 4, at.in(samples), samples.size()};
    const std::size_t batch = 6, positions = 196;  // two views of each sample
    buffer<float, device> noise{batch * positions};
    kernels::uniform_noise<device>::run(at.context, keys, batch, positions, noise.data());
    kernels::order_by_noise<device>::run(
        at.context, batch, positions, static_cast<const float*>(noise.data()),
        at.out_indices(batch * positions), at.out_indices(batch * positions));
    const std::vector<float> ties(batch * positions, 0.5f);
    kernels::order_by_noise<device>::run(at.context, batch, positions, at.in(ties),
                                         at.out_indices(batch * positions),
                                         at.out_indices(batch * positions));
    const auto coarse = shuffled_positions(batch, 6);
    kernels::enlarge_grid<device>::run(at.context, batch, 8, 12, 4, at.in(coarse),
                                       at.out_indices(batch * 96));
    W* const factor = at.out_weights(batch);
    kernels::drop_path<device>::run(at.context, keys, batch, 4100, 0.4, factor);
    kernels::drop_path<device>::scale(at.context, batch, 50, static_cast<const W*>(factor),
                                      at.in(at.activations(batch * 50, 3)), at.out(batch * 50));
  });
}

template <class Device>
void classes() {
  for (const auto& [rows, stride, class_count] : {std::array<std::size_t, 3>{4, 7, 5}, {5, 1000, 1000}})
    same_on_both<Device>([r = rows, s = stride, c = class_count]<class Context>(workbench<Context>& at) {
      using T = typename Context::activation;
      using device = typename Context::device;
      using W = typename Context::weight;
      auto logits = at.activations(r * s, 1);
      logits[1] = T(90.0f);
      const auto dlogits = at.activations(r * s, 2);
      std::vector<int> labels;
      for (std::size_t row = 0; row < r; ++row) labels.push_back(static_cast<int>(row * 3 % c));
      W* const target = at.out_weights(r * s);
      kernels::mixing<device>::targets(at.context, r, s, c, batch_mix{.lambda = 0.3}, 0.1, at.in(labels),
                                       target);
      at.loss(kernels::cross_entropy<device>::soft(at.context, r, s, c, 0.25, 0.1, at.in(logits),
                                                   static_cast<const W*>(target), at.out(dlogits)));
      at.loss(kernels::cross_entropy<device>::hard(at.context, r, s, c, 0.25, at.in(logits), at.in(labels),
                                                   at.out(dlogits)));
      const auto x = at.activations(r * 6 * 5 * 3, 3);
      for (const batch_mix& mix : {batch_mix{}, batch_mix{.lambda = 0.3}, batch_mix{0.7, true, 1, 2, 4, 2}})
        kernels::mixing<device>::mix(at.context, r, 6, 5, 3, mix, at.out(x));
    });
}

}  // namespace pretext::tests
