// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/core/bfloat16.hpp>
#include <pretext/core/device.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/core/loss_values.hpp>
#include <pretext/core/random.hpp>
#include <pretext/core/step_rates.hpp>

// A layer never names a device or a floating-point type: both come from its context. So one source is
// compiled for each device and precision, gradients are checked in double, and structure that differs costs
// nothing at run time.
namespace pretext::inline v0_1 {

/// The types in which values are stored, summed and multiplied: a numerics policy.
struct fp32 {
  using activation = float;
  using weight = float;
  using compute = float;
};

/// Double precision, for gradient checks.
struct fp64 {
  using activation = double;
  using weight = double;
  using compute = double;
};

/// Mixed precision as in PyTorch's autocast: weights, their gradients, optimizer state, statistics and sums
/// are float, the operands of matrix products and convolutions are bfloat16, forward and backward. A CPU
/// rounds operands while it packs them and stores activations as float (Winograd's algorithm and convolutions
/// of RGB images multiply float). A GPU, limited by memory bandwidth, stores activations and their gradients
/// as bfloat16.
struct bf16 {
  using activation = float;
  using weight = float;
  using compute = bfloat16;
};

/// Stored and summed as in fp32; tensor cores multiply with 10 explicit bits of mantissa. A CPU multiplies
/// float.
struct tf32 : fp32 {
  static constexpr bool products_in_tf32 = true;
};

/// A numerics policy: fp32, tf32, bf16, fp64 or a struct with the same three types.
template <class N>
concept NumericsPolicy = requires {
  typename N::activation;
  typename N::weight;
  typename N::compute;
};

namespace distributed {
template <class Device>
class communicator;  // distributed/communicator.hpp
}
class constant_weights;  // core/constant_weights.hpp

namespace detail {
/// What a loss returns on a device: its value, or a deferred one where the device runs asynchronously.
template <class D>
struct loss_value_of {
  using type = double;
};
template <class D>
  requires requires { typename D::loss_value; }
struct loss_value_of<D> {
  using type = typename D::loss_value;
};

/// The numerics of `on<D>`: fp32 unless the device declares another default.
template <class D>
struct default_numerics {
  using type = fp32;
};
template <class D>
  requires requires { typename D::default_numerics; }
struct default_numerics<D> {
  using type = typename D::default_numerics;
};

/// Does a device store activations in the type of the operands of products?
template <class D>
inline constexpr bool stores_compute_type = false;
template <class D>
  requires requires { D::stores_compute_type; }
inline constexpr bool stores_compute_type<D> = D::stores_compute_type;

/// The default of `on<D>::recomputes_activations`. A GPU is limited by memory bandwidth, so it stores them.
template <class D>
inline constexpr bool recomputes_activations = !declares_accelerator<D>;
}  // namespace detail

/// Everything that belongs to one training step beside its views, in a form that the device reads: a method's
/// `learn` gets it, layers find it in `context.step`.
struct step_context {
  device_scalar<step_rates> rates{};          ///< of the optimizer
  device_scalar<double> target_momentum = 1;  ///< the fraction of its old value that an EMA target retains
  device_scalar<loss_values> loss{};          ///< hyper-parameters of the loss
  sample_keys keys{};                 ///< of the step's samples: masks and dropped paths are drawn with them
  double drop_path = 0;               ///< drop rate of a transformer's last block, in [0, 1)
  std::size_t batch_norm_groups = 1;  ///< equal parts of the batch that batch norm normalises separately
};

/// The execution context: where and in which precision a method runs, the memory of one training step, and
/// the other shards of its batch, if there are any.
/// `on<cpu>`, `on<cpu, bf16>`, `on<cpu, fp64>`, `on<cuda_gpu>`, which is `on<cuda_gpu, bf16>`. A context
/// serves one call at a time; threads that compute at once need one each.
template <class D, class Numerics = typename detail::default_numerics<D>::type>
struct on {
  static_assert(
      Device<D>,
      "pretext: on<device> needs a device with a stream, allocate, release, write, read and clear: see "
      "Device in <pretext/core/device.hpp>");
  static_assert(
      !detail::declares_accelerator<D> || Accelerator<D>,
      "pretext: this device sets is_accelerator, but lacks members that kernels for accelerators need: see "
      "Accelerator in <pretext/core/device.hpp>");
  static_assert(
      NumericsPolicy<Numerics>,
      "pretext: the second argument of on<> is a numerics policy: fp32, tf32, bf16, fp64 or a struct with "
      "the types activation, weight and compute");

  using device = D;
  using numerics = Numerics;
  /// The type that activations and their gradients are stored as.
  using activation = std::conditional_t<detail::stores_compute_type<D>, typename Numerics::compute,
                                        typename Numerics::activation>;
  /// The type of everything else: parameters, their gradients, optimizer state, statistics.
  using weight = typename Numerics::weight;
  /// What losses return: double, or a value that becomes one at the end of the step. It can be added to
  /// others and multiplied by a double.
  using loss_value = typename detail::loss_value_of<D>::type;

  typename D::stream stream{};
  arena<D> activations{};  ///< what forward stores for backward; each step resets it
  arena<D> workspace{};    ///< temporary memory of one call
  step_context step{};     ///< read by layers and maskings; set by a method while it learns (`step_scope`)
  /// Whether backward recomputes the activations inside residual blocks, or forward stores them. Recomputing
  /// needs less memory, a ninth less for ResNet-50 on a GPU. Gradients have the same bits. Must not change
  /// between forward and backward.
  bool recomputes_activations = detail::recomputes_activations<D>;
  /// Connects the shards of a batch that several contexts compute. Not owned; null: the batch is whole.
  distributed::communicator<D>* communicator = nullptr;
  /// Weights that do not change while the context is used, for inference on a CPU. Not owned; null: all may.
  const constant_weights* constants = nullptr;
};

/// Makes the values of a step visible to the layers of a network while a method learns, and no longer: a
/// later pass cannot draw with the keys of an earlier step.
template <class Context>
class step_scope {
 public:
  step_scope(Context& context, const step_context& step, std::size_t batch_norm_groups = 1)
      : context_{context} {
    context.step = step;
    context.step.batch_norm_groups = batch_norm_groups;
  }
  step_scope(const step_scope&) = delete;
  step_scope& operator=(const step_scope&) = delete;
  ~step_scope() { context_.step = {}; }

 private:
  Context& context_;
};

/// A layer's slice of the flat parameter and gradient buffers. It does not own the memory.
template <class Context>
struct weights {
  using weight = typename Context::weight;
  using activation = typename Context::activation;

  weight* value = nullptr;
  weight* gradient = nullptr;
  const activation* rounded = nullptr;  ///< copy of the values where activations have another type
  bool folded = false;  ///< for inference: convolutions are multiplied by their batch norm (`fold_norms`)

  constexpr weights at(std::size_t offset) const {
    return {value + offset, gradient ? gradient + offset : nullptr, rounded ? rounded + offset : nullptr,
            folded};
  }
  /// The values in the type that products and convolutions read.
  constexpr const activation* operands() const {
    if constexpr (std::same_as<weight, activation>)
      return value;
    else
      return rounded;
  }
  /// Weights for products alone, without gradients.
  static constexpr weights of_operands(activation* operands) {
    if constexpr (std::same_as<weight, activation>)
      return {operands, nullptr};
    else
      return {nullptr, nullptr, operands};
  }
};

/// A batch that a layer reads.
template <class Context, Shape S>
using reads = tensor_view<const typename Context::activation, S>;
/// A batch that a layer writes.
template <class Context, Shape S>
using writes = tensor_view<typename Context::activation, S>;

}  // namespace pretext::inline v0_1
