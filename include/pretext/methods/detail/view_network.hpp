// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <tuple>

#include <pretext/core/concepts.hpp>
#include <pretext/methods/detail/global_encoder.hpp>
#include <pretext/methods/detail/view_rows.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1::detail {

/// Encoder and projector of a joint embedding's online network on the views of all sizes that it sees. Batch
/// norm treats the views as the policy says. `Chosen` is a joint_embedding_policies, `Images` its shape of
/// views or multi_crop.
template <class Chosen, class Images>
struct view_network {
  using groups = typename Chosen::groups;
  using images = typename groups::images;
  using rows = view_rows<groups>;
  using encoder = typename Chosen::encoder;
  using projector = typename Chosen::projector;
  using first_encoder = global_encoder<images, encoder, typename Chosen::masking_type>;
  using feature = output_of<encoder, images>;
  using embedding = typename Chosen::embedding;
  static constexpr std::size_t encoder_size = weight_count<encoder, images>;
  static constexpr bool projects_each_size = std::same_as<typename Chosen::statistics, per_size_statistics>;
  template <std::size_t Group>
  using group_at = typename rows::template group_at<Group>;

  /// Views of each group that the network sees.
  static constexpr auto views_of = [] {
    auto views = groups::views_of;
    views[0] = Chosen::pairing::online;
    return views;
  }();

  template <class Context>
  struct cache {
    template <class Global, class... S>
    using local_caches = std::tuple<cache_of<encoder, S, Context>...>;
    typename first_encoder::masks masked;  ///< of the global views, until the next step
    typename first_encoder::template cache<Context> global;
    typename groups::template apply<local_caches> local;
    std::array<cache_of<projector, feature, Context>, projects_each_size ? groups::count : 1> projected;
  };

  /// Batch norm treats each of so many views by itself, unless the statistics are joint.
  template <class Context>
  static void normalise_each_view(Context& context, std::size_t views_of_each) {
    context.step.batch_norm_groups =
        std::same_as<typename Chosen::statistics, per_view_statistics> ? views_of_each : 1;
  }

  /// Features and embeddings of views of n images, which `rule` masks.
  template <class Context>
  static void forward(Context& context, weights<Context> w, const typename Chosen::masking_type& rule,
                      const stacked_views<Context, Images>& batch, std::size_t n, writes<Context, feature> h,
                      writes<Context, embedding> z, cache<Context>& cache) {
    cache.masked = first_encoder::draw(context, rule, views_of[0] * n);
    const auto project = [&](std::size_t nth, std::size_t first, std::size_t count) {
      normalise_each_view(context, count / n);
      projector::forward(context, w.at(encoder_size), reads<Context, feature>{h.part(first, count)},
                         z.part(first, count), cache.projected[nth]);
    };
    rows::for_each(
        n, views_of, [&]<std::size_t Group>(group_at<Group>, std::size_t first, std::size_t count) {
          normalise_each_view(context, count / n);
          const auto x = groups::template group<Group>(batch).part(0, count);
          if constexpr (Group == 0)
            first_encoder::forward(context, w, cache.masked, x, h.part(first, count), cache.global);
          else
            encoder::forward(context, w, x, h.part(first, count), std::get<Group - 1>(cache.local));
          if constexpr (projects_each_size) project(Group, first, count);
        });
    if constexpr (!projects_each_size) project(0, 0, h.batch);
  }

  /// Adds the gradients of the parameters; `dh` is memory for those of the features.
  template <class Context>
  static void backward(Context& context, weights<Context> w, std::size_t n, reads<Context, embedding> dz,
                       writes<Context, feature> dh, cache<Context>& cache) {
    const auto project = [&](std::size_t nth, std::size_t first, std::size_t count) {
      projector::backward(context, w.at(encoder_size), cache.projected[nth], dz.part(first, count),
                          dh.part(first, count));
    };
    if constexpr (!projects_each_size) project(0, 0, dh.batch);
    rows::for_each(
        n, views_of, [&]<std::size_t Group>(group_at<Group>, std::size_t first, std::size_t count) {
          if constexpr (projects_each_size) project(Group, first, count);
          const reads<Context, feature> slope{dh.part(first, count)};
          if constexpr (Group == 0)
            first_encoder::backward(context, w, cache.masked, cache.global, slope);
          else
            encoder::backward(context, w, std::get<Group - 1>(cache.local), slope,
                              writes<Context, typename groups::template shape_of<Group>>{nullptr, count});
        });
  }
};

}  // namespace pretext::inline v0_1::detail
