#pragma once
// The kernels of ResNets, projection heads and their losses, each compared with the CPU's.

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/losses/alignment_uniformity.hpp>
#include <pretext/losses/barlow_twins_loss.hpp>
#include <pretext/losses/concepts.hpp>
#include <pretext/losses/decoupled_contrastive.hpp>
#include <pretext/losses/frossl_loss.hpp>
#include <pretext/losses/info_nce.hpp>
#include <pretext/losses/vicreg_loss.hpp>
#include <pretext/optimizers/detail/clip_gradient.hpp>

#include "device_pair.hpp"

namespace pretext::tests {

template <class Device>
void elementwise_kernels() {
  for (const std::size_t n : {1u, 255u, 5000u})
    same_on_both<Device>([n]<class Context>(workbench<Context>& at) {
      using W = typename Context::weight;
      using device = typename Context::device;
      const auto x = at.activations(n, 1), y = at.activations(n, 2);
      kernels::relu<device>::forward(at.context, n, at.in(x), at.out(n));
      kernels::relu<device>::backward(at.context, n, at.in(y), at.in(x), at.out(n));
      kernels::elementwise<device>::axpy(at.context, n, W(0.7), at.in(x), at.out(y));
      kernels::elementwise<device>::lerp(at.context, n, W(0.7), at.in(x), at.out(y));
      kernels::elementwise<device>::copy(at.context, n, at.in(x), at.out(n));
    });
  for (const auto& [rows, columns] :
       {std::pair<std::size_t, std::size_t>{1, 1}, {7, 33}, {3000, 70}, {500, 64}, {410000, 1}})
    same_on_both<Device>([=, r = rows, c = columns]<class Context>(workbench<Context>& at) {
      using W = typename Context::weight;
      using device = typename Context::device;
      const auto x = at.activations(r * c, 1);
      const auto b = random_values<W>(c, 2);
      kernels::channel_bias<device>::add(at.context, r, c, at.in(b), at.out(x));
      const auto behind = random_values<W>(c + 1, 3);  // a bias that is not aligned
      kernels::channel_bias<device>::add(at.context, r, c, at.in(behind) + 1, at.out(x));
      kernels::channel_bias<device>::sum(at.context, r, c, at.in(x), at.out(b));
    });
}

template <class Device>
void matrix_products() {
  struct extents {
    std::size_t m, n, k;
  };
  for (const extents e : {extents{1, 1, 1}, {70, 65, 33}, {9, 130, 1500}, {64, 64, 16}, {3, 5, 0}})
    for (const auto a : {kernels::op::none, kernels::op::transposed})
      for (const auto b : {kernels::op::none, kernels::op::transposed})
        for (const auto mode : {kernels::write_mode::overwrite, kernels::write_mode::accumulate})
          same_on_both<Device>([=]<class Context>(workbench<Context>& at) {
            using gemm = kernels::gemm<typename Context::device>;
            const bool accumulate = mode == kernels::write_mode::accumulate;
            const std::size_t size = e.m * e.n;
            const auto *x = at.in(at.activations(e.m * e.k, 1)), *y = at.in(at.activations(e.k * e.n, 2));
            gemm::run(at.context, a, b, e.m, e.n, e.k, x, y,
                      accumulate ? at.out(at.activations(size, 3)) : at.out(size), mode);
            gemm::run(
                at.context, a, b, e.m, e.n, e.k, x, y,  // the gradient of a weight
                accumulate ? at.out(random_values<typename Context::weight>(size, 3)) : at.out_weights(size),
                mode);
          });
}

template <class Device>
void linear_layers() {
  const std::size_t tokens = 3;
  for (const kernels::linear_extents e :
       {kernels::linear_extents{6, 5, 7}, {66, 40, 70}, {12, 24, 16}, {9, 16, 40}})
    same_on_both<Device>(
        [=]<class Context>(workbench<Context>& at) {
          using T = typename Context::activation;
          using W = typename Context::weight;
          using linear = kernels::linear<typename Context::device>;
          using epilogue = kernels::linear_epilogue<T, W>;
          const std::size_t outputs = e.rows * e.out;
          const auto x = at.activations(e.rows * e.in, 1), w = at.activations(e.in * e.out, 2),
                     s = at.activations(e.rows * e.out, 4), dy = at.activations(e.rows * e.out, 6),
                     before = at.activations(e.rows * e.in, 7);
          const auto rounded = at.activations(e.out, 3);
          const std::vector<W> b(rounded.begin(), rounded.end());
          const auto branch_scale = random_values<W>(e.rows / tokens, 5);
          linear::forward(at.context, e, at.in(x), at.in(w), epilogue{}, at.out(outputs));
          linear::forward(at.context, e, at.in(x), at.in(w),
                          epilogue{at.in(b), at.in(s), at.in(branch_scale), tokens, at.in(rounded)},
                          at.out(outputs));
          const auto behind = random_values<W>(e.out + 1, 10);  // a bias that is not aligned
          linear::forward(at.context, e, at.in(x), at.in(w),
                          epilogue{at.in(behind) + 1, nullptr, at.in(branch_scale), tokens, nullptr},
                          at.out(outputs));
          for (const T* shortcut : {static_cast<const T*>(nullptr), at.in(s)})
            for (const bool biased : {false, true})
              linear::forward(at.context, e, at.in(x), at.in(w),
                              epilogue{.bias = biased ? at.in(b) : nullptr,
                                       .shortcut = shortcut,
                                       .rounded_bias = biased ? at.in(rounded) : nullptr},
                              at.out(outputs));
          for (const auto& dbias : {std::vector<W>{}, b})
            linear::backward_weights(at.context, e, at.in(x), at.in(dy),
                                     at.out(random_values<W>(w.size(), 9)),
                                     dbias.empty() ? nullptr : at.out(dbias));
          T* const kept = at.scratch(std::vector<T>(outputs));
          linear::forward_gelu(at.context, e, at.in(x), at.in(w), at.in(b), at.out(outputs), kept);
          linear::forward_gelu(at.context, e, at.in(x), at.in(w), at.in(b), at.out(outputs),
                               static_cast<T*>(nullptr));
          using gelu = kernels::gelu<typename Context::device>;
          T* const kept_before = at.scratch(std::vector<T>(e.rows * e.in));
          const auto bias_before = random_values<W>(e.in, 11);
          gelu::forward(at.context, e.rows, e.in, at.in(before), at.in(bias_before), at.out(e.rows * e.in),
                        kept_before);
          T* const dx = at.out(e.rows * e.in);
          W* const dbias = at.out(random_values<W>(e.in, 8));
          if (!linear::backward_gelu(at.context, e, at.in(dy), at.in(w), static_cast<const T*>(kept_before),
                                     at.in(bias_before), dx, dbias))
            kernels::channel_bias<typename Context::device>::sum(at.context, e.rows, e.in,
                                                                 static_cast<const T*>(dx), dbias);
        },
        2);  // the product, which a scale enlarges
}

/// Runs the cases through `Convolution<device>`.
template <class Device, template <class> class Convolution>
void check_convolutions() {
  using extents = kernels::convolution_extents;
  for (const extents e : {extents{6, 5, 3, 10, 3, 3, 1, 1},
                          {7, 9, 4, 5, 3, 3, 2, 1},
                          {8, 8, 6, 70, 1, 1, 1, 0},
                          {8, 6, 5, 7, 1, 1, 2, 0},
                          {15, 13, 3, 8, 7, 7, 2, 3},
                          {4, 4, 66, 5, 3, 3, 1, 1},
                          {6, 5, 8, 16, 3, 3, 2, 1},
                          {5, 6, 64, 72, 3, 3, 1, 1},
                          {7, 8, 5, 300, 3, 3, 2, 1},
                          {9, 8, 4, 6, 2, 4, 3, 0}})
    for (const std::size_t batch : {1u, 3u})
      same_on_both<Device>(
          [=]<class Context>(workbench<Context>& at) {
            using convolution = Convolution<typename Context::device>;
            const std::size_t pixels = batch * e.height * e.width * e.in,
                              outputs = batch * e.out_height() * e.out_width() * e.out;
            const auto x = at.activations(pixels, 1), w = at.activations(e.weights(), 2),
                       dy = at.activations(outputs, 3);
            convolution::forward(at.context, e, batch, at.in(x), at.in(w), at.out(outputs));
            convolution::backward_data(at.context, e, batch, at.in(dy), at.in(w), at.out(pixels),
                                       kernels::write_mode::overwrite);
            convolution::backward_data(at.context, e, batch, at.in(dy), at.in(w), at.out(x),
                                       kernels::write_mode::accumulate);
            convolution::backward_weights(at.context, e, batch, at.in(x), at.in(dy),
                                          at.out(random_values<typename Context::weight>(e.weights(), 4)));
          },
          1);  // gradients of patches
}

template <class D>
using default_convolution = kernels::convolution<D>;
template <class D>
struct small_im2col : grid::explicit_im2col<D, 4000> {};  // few images at a time
template <class D>
  requires(!Accelerator<D>)
struct small_im2col<D> : kernels::convolution<D> {};

template <class D>
struct implicit_gemm_only : grid::implicit_gemm<D> {};  // even where the default is cuDNN
template <class D>
  requires(!Accelerator<D>)
struct implicit_gemm_only<D> : kernels::convolution<D> {};

template <class Device>
void convolutions() {
  check_convolutions<Device, default_convolution>();
  check_convolutions<Device, implicit_gemm_only>();
  check_convolutions<Device, small_im2col>();
}

template <class Device>
void batch_norms() {
  for (const auto& [rows, channels, groups] : {std::array<std::size_t, 3>{6, 5, 1},
                                               {700, 40, 2},
                                               {9000, 3, 1},
                                               {8, 70, 2},
                                               {300, 264, 1},
                                               {1100, 64, 2}})
    same_on_both<Device>([r = rows, c = channels, g = groups]<class Context>(workbench<Context>& at) {
      using T = typename Context::activation;
      using W = typename Context::weight;
      using norm = kernels::batch_norm<typename Context::device>;
      const auto x = at.activations(r * c, 1, 1, 3), dy = at.activations(r * c, 2),
                 y = at.activations(r * c, 5), shortcut = at.activations(r * c, 6);
      const auto gamma = random_values<W>(c, 3), beta = random_values<W>(c, 4);
      const T* const no_shortcut = nullptr;
      const W* const none = nullptr;
      using parameters = kernels::norm_parameters<W>;
      using outputs = kernels::relu_outputs<T>;
      W* const no_output = nullptr;
      const auto norms = [&] {
        const auto per_channel = [&] { return at.out_weights(g * c); };
        return kernels::channel_norms<W>{per_channel(), per_channel(), per_channel(), per_channel()};
      };
      const auto affine = norms(), plain = norms();
      norm::statistics(at.context, r, c, g, at.in(x),
                       parameters{W(1e-5), W(0.1), at.in(gamma), at.in(beta), at.out(gamma),
                                  at.out(std::vector<W>(c, W(1)))},
                       affine);
      norm::statistics(at.context, r, c, g, at.in(x), parameters{W(1e-5), W(0.1)}, plain);
      const W *const scale = affine.scale, *const shift = affine.shift;
      norm::fold_running(at.context, c, at.in(beta), at.in(std::vector<W>(c, W(2))), W(1e-5), at.in(gamma),
                         at.in(beta), at.out_weights(c), at.out_weights(c));
      norm::scale_columns(at.context, r, c, at.in(random_values<W>(r * c, 7)), at.in(gamma), at.out(r * c));
      for (const bool relu : {false, true}) {
        norm::apply(at.context, r, c, g, at.in(x), scale, shift, at.in(shortcut), relu, at.out(r * c));
        norm::apply(at.context, r, c, g, at.in(x), none, shift, no_shortcut, relu, at.out(r * c));
        norm::backward(at.context, r, c, g, at.in(dy), relu, outputs{at.in(y)}, at.in(x), affine,
                       at.in(gamma), at.out(gamma), at.out(beta), at.out(r * c), at.out(r * c));
        norm::backward(at.context, r, c, g, at.in(dy), relu, outputs{}, at.in(x), plain, none, no_output,
                       no_output, at.out(r * c), static_cast<T*>(nullptr));
        T *const over_x = at.out(x), *const over_dy = at.out(dy);
        norm::backward(at.context, r, c, g, static_cast<const T*>(over_dy), relu, outputs{},
                       static_cast<const T*>(over_x), affine, at.in(gamma), at.out(gamma), at.out(beta),
                       over_x, over_dy);
      }
      const arena_scope guard{at.context.workspace};
      T* const output = at.out(r * c);
      outputs found{output};
      if constexpr (kernels::stores_signs<typename Context::device>) {
        auto* const signs =
            at.context.workspace.template allocate<std::uint8_t>(norm::template sign_bytes<T>(r, c));
        if (norm::apply_with_signs(at.context, r, c, g, at.in(x), scale, shift, at.in(shortcut), output,
                                   signs))
          found = {nullptr, signs};
      } else {
        norm::apply(at.context, r, c, g, at.in(x), scale, shift, at.in(shortcut), true, output);
      }
      norm::backward(at.context, r, c, g, at.in(dy), true, found, at.in(x), affine, at.in(gamma),
                     at.out(gamma), at.out(beta), at.out(r * c), at.out(r * c));
    });
}

template <class Device>
void pooling() {
  for (const std::size_t c : {5u, 16u})
    same_on_both<Device>([=]<class Context>(workbench<Context>& at) {
      using mean = kernels::average_pool<typename Context::device>;
      const auto x = at.activations(3 * 12 * c, 1), dy = at.activations(3 * c, 2);
      mean::forward(at.context, 3, 12, c, at.in(x), at.out(3 * c));
      mean::backward(at.context, 3, 12, c, at.in(dy), at.out(3 * 12 * c));
    });
  for (const kernels::window w :
       {kernels::window{8, 8, 3, 3, 2, 1}, {7, 5, 2, 2, 2, 0}, {9, 9, 1, 3, 1, 1}, {9, 7, 16, 3, 2, 1}})
    same_on_both<Device>([=]<class Context>(workbench<Context>& at) {
      using max_pool = kernels::max_pool<typename Context::device>;
      const std::size_t batch = 2, pixels = batch * w.height * w.width * w.channels,
                        outputs = batch * w.out_height() * w.out_width() * w.channels;
      const auto x = at.activations(pixels, 1), dy = at.activations(outputs, 2);
      std::uint32_t* const chosen = at.out_indices(outputs);
      max_pool::forward(at.context, w, batch, at.in(x), at.out(outputs), chosen);
      max_pool::forward(at.context, w, batch, at.in(x), at.out(outputs), nullptr);
      max_pool::backward(at.context, w, batch, chosen, at.in(dy), at.out(pixels));
    });
}

template <class Device>
void losses_of_views() {
  for (const auto& [rows, columns] :
       {std::pair<std::size_t, std::size_t>{2, 3}, {10, 20}, {150, 70}, {1100, 9}})
    for (const double temperature : {0.5, 0.1, 0.01})
      same_on_both<Device>(
          [=, r = rows, c = columns]<class Context>(workbench<Context>& at) {
            const auto z = at.activations(r * c, 1), dz = at.activations(r * c, 2);
            at.loss(kernels::nt_xent<typename Context::device>::run(at.context, r, c, temperature, 2,
                                                                    at.in(z), at.out(dz)));
          },
          1);  // unit vectors
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{2, 3}, {30, 300}})
    same_on_both<Device>([r = rows, c = columns]<class Context>(workbench<Context>& at) {
      using T = typename Context::activation;
      auto p = at.activations(r * c, 1), target = at.activations(r * c, 2);
      std::fill_n(p.begin(), c, T{});  // clamped norm
      const auto dp = at.activations(r * c, 3);
      at.loss(kernels::cosine_regression<typename Context::device>::run(at.context, r, c, 0.5, at.in(p),
                                                                        at.in(target), at.out(dp)));
    });
}

/// Losses that are compositions of operations.
template <class Device>
void composed_losses() {
  const auto compare = [](const auto& loss) {
    constexpr std::size_t rows = 14, columns = 37;
    using row = shape<columns>;
    same_on_both<Device>(
        [&]<class Context>(workbench<Context>& at) {
          const auto z = at.activations(rows * columns, 1), compared = at.activations(rows * columns, 2),
                     dz = at.activations(rows * columns, 3);
          const reads<Context, row> in{at.in(z), rows};
          const writes<Context, row> out{at.out(dz), rows};
          if constexpr (JointLoss<std::remove_cvref_t<decltype(loss)>>)
            at.loss(loss(at.context, in, out));
          else
            at.loss(loss(at.context, in, reads<Context, row>{at.in(compared), rows}, out));
        },
        8);  // unit vectors or standardised columns, their products, slopes of these, slopes of the former
  };
  compare(barlow_twins_loss{});
  compare(barlow_twins_loss{.standard = standardisation::unbiased});
  compare(vicreg_loss{1, 1, 1});
  compare(decoupled_contrastive{.temperature = 0.5});
  compare(decoupled_contrastive{.temperature = 0.5, .sigma = 0.5});
  compare(info_nce{.temperature = 0.5});
  compare(alignment_uniformity{});
  compare(frossl_loss{});
}

/// A weight larger than one chunk, a buffer that no optimizer touches, and a tensor with its own
/// learning-rate multiplier.
inline std::vector<parameter> table_with_chunks() {
  auto table = with_offsets(std::array{
      parameter{"conv.weight", {100, 400}, initialiser::normal(1)},
      parameter{"conv.bias", {100}, initialiser::constant(0), parameter_decay::no},
      parameter{
          "bn.running_mean", {100}, initialiser::constant(0), parameter_decay::no, parameter_role::buffer},
      parameter{"fc.weight", {10, 77}, initialiser::normal(1)},
      parameter{"zero.weight", {3, 3}, initialiser::constant(0)},
  });
  table[3].lr_multiplier = 0.25;
  table[1].group = 2;
  table[3].group = 1;
  return {table.begin(), table.end()};
}

/// The rates of three groups, of which some steps freeze one, and in some steps a decay.
inline step_rates rates_of_groups(double rate, unsigned step) {
  step_rates rates{rate};
  rates.learning_rate[1] = 2 * rate;
  if (step == 1) rates.freeze(2);
  if (step == 2) rates.weight_decay = 0.02;
  return rates;
}

/// The clipped gradients of modules.
template <class Device>
void clipped_gradients() {
  const auto table = table_with_chunks();
  const std::size_t size = 40000 + 100 + 100 + 770 + 9;
  for (const clip_by by : {clip_by::tensor, clip_by::module, clip_by::whole})
    same_on_both<Device>([&]<class Context>(workbench<Context>& at) {
      using W = typename Context::weight;
      const detail::clip_plan<typename Context::device> plan{table};
      detail::clip_gradient(at.context, plan, 30.0, by, at.out(random_values<W>(size, 3)));
    });
}

template <class Device>
void optimizer_steps() {
  const auto table = table_with_chunks();
  const std::size_t size = 40000 + 100 + 100 + 770 + 9;
  const auto compare = [&](const auto& step) {
    same_on_both<Device>([&]<class Context>(workbench<Context>& at) {
      using W = typename Context::weight;
      const kernels::parameter_chunks<typename Context::device> parameter_chunks{table};
      auto w = random_values<W>(size, 1);
      std::fill(w.end() - 9, w.end(), W(0));  // zero norm: the ratio is 1
      W *const value = at.out(w), *const first = at.out(std::vector<W>(size)),
               *const second = at.out(std::vector<W>(size));
      for (unsigned i = 0; i < 3; ++i)
        step(at, parameter_chunks, i, at.in(random_values<W>(size, 10 + i)), first, second, value);
    });
  };
  for (const bool nesterov : {false, true})
    for (const bool all : {false, true}) {
      compare([=](auto& at, const auto& parameter_chunks, unsigned i, auto* g, auto* v, auto*, auto* w) {
        kernels::optimize<typename std::remove_cvref_t<decltype(at)>::device>::sgd(
            at.context, parameter_chunks, {rates_of_groups(0.1, i), 0.9, 1e-3, nesterov, all}, g, v, w);
      });
      for (const auto variant :
           {lars_variant::simclr, lars_variant::byol, lars_variant::sum_of_norms, lars_variant::larc})
        compare([=](auto& at, const auto& parameter_chunks, unsigned i, auto* g, auto* v, auto*, auto* w) {
          kernels::optimize<typename std::remove_cvref_t<decltype(at)>::device>::lars(
              at.context, parameter_chunks,
              {rates_of_groups(0.3, i), 0.9, 1e-2, 1e-3, 1e-8, variant, nesterov, all, false}, g, v, w);
        });
    }
  same_on_both<Device>([&]<class Context>(workbench<Context>& at) {
    using W = typename Context::weight;
    using device = typename Context::device;
    const kernels::parameter_chunks<device> parameter_chunks{table};
    buffer<std::uint64_t, device> steps{parameter_chunks.groups};
    W *const value = at.out(random_values<W>(size, 1)), *const mean = at.out(std::vector<W>(size)),
             *const square = at.out(std::vector<W>(size));
    for (unsigned i = 0; i < 3; ++i)
      kernels::optimize<device>::adamw(
          at.context, parameter_chunks, {rates_of_groups(1e-3, i), 0.9, 0.95, 1e-8, 0.05, false},
          at.in(random_values<W>(size, 10 + i)), mean, square, steps.data(), value);
    std::vector<std::uint64_t> counted(steps.size());
    device::read(at.context.stream, counted.data(), steps.data(), steps.size());
    CHECK(counted == std::vector<std::uint64_t>{3, 3, 2});
  });
}

}  // namespace pretext::tests
