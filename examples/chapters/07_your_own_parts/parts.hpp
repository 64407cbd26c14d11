#pragma once
// Parts that a user adds to pretext in their own files (docs/chapters).
#include <cstddef>
#include <cstdint>

#include <pretext/cpu.hpp>

namespace mine {

using namespace pretext;

// [loss]
/// Mean squared distance between the two views of an image: row i and row i + n of z (2n, D).
struct alignment {
  double weight = 1;

  friend bool operator==(const alignment&, const alignment&) = default;

  /// Returns the value and adds the gradient to dz.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context&, reads<Context, S> z, writes<Context, S> dz) const {
    using T = typename Context::activation;
    const std::size_t half = z.size() / 2;  // where view 2 begins
    const double scale = 2 * weight / static_cast<double>(z.batch);
    double sum = 0;
    for (std::size_t i = 0; i < half; ++i) {
      const double difference = static_cast<double>(z.data[i]) - static_cast<double>(z.data[half + i]);
      sum += difference * difference;
      dz.data[i] += static_cast<T>(2 * scale * difference);
      dz.data[half + i] -= static_cast<T>(2 * scale * difference);
    }
    return scale * sum;
  }
};
// [/loss]

// [layer]
/// y = max(0, x)².
struct squared_relu {
  template <Shape In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};  // it learns nothing
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> x;  // an input stays valid until the step's end: a view is enough
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache) {
    infer(context, w, x, y);
    cache.x = x;
  }

  template <class Context, Shape In>
  static void backward(Context&, weights<Context>, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    if (!dx.data) return;  // the first layer's input needs no gradient
    for (std::size_t i = 0; i < dy.size(); ++i)
      dx.data[i] = cache.x.data[i] > 0 ? 2 * cache.x.data[i] * dy.data[i] : 0;
  }

  template <class Context, Shape In>
  static void infer(Context&, weights<Context>, reads<Context, In> x, writes<Context, In> y) {
    for (std::size_t i = 0; i < x.size(); ++i) y.data[i] = x.data[i] > 0 ? x.data[i] * x.data[i] : 0;
  }
};
// [/layer]

// [augmentation]
/// 1 - x, with a probability.
struct invert {
  float probability = .1f;

  static constexpr std::uint32_t stream_id = streams::user_operations.first, stream_size = 1;
  using choice = bool;

  PRETEXT_HOST_DEVICE bool choose(const auto& draws, image_extent, image_extent) const {
    return draws.bernoulli(0, probability);
  }
  template <class View>
  PRETEXT_HOST_DEVICE void apply(bool inverted, View& view) const {
    if (inverted) view.map([](rgb p) { return rgb{1 - p.r, 1 - p.g, 1 - p.b}; });
  }
};
// [/augmentation]

// [encoder]
/// Two convolutions and a mean over all places: features of 32 values.
struct small_encoder : sequential<named<"conv1", convolution<16, 3, 2>>, named<"bn1", batch_norm<>>,
                                  squared_relu, named<"conv2", convolution<32, 3, 2>>,
                                  named<"bn2", batch_norm<>>, relu, global_average_pool> {};
// [/encoder]

// [method]
using images = shape<32, 32, 3>;
using head =
    sequential<named<"layers", sequential<linear<64, bias::no>, batch_norm<>, squared_relu, linear<32>>>>;

/// SimCLR with our head and with a second loss that pulls views together.
using method = joint_embedding<images, encoder<small_encoder>, projector<head>,
                               loss<loss_sum<nt_xent, weighted_loss<alignment>>>>;
// [/method]

/// The same on small images, for a check of all gradients.
using tiny_method = joint_embedding<shape<8, 8, 3>, encoder<small_encoder>, projector<head>,
                                    loss<loss_sum<nt_xent, weighted_loss<alignment>>>>;

}  // namespace mine
