#pragma once
#include <concepts>
#include <cstddef>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/core/bfloat16.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/core/random.hpp>

namespace pretext {

/// How numbers are kept and added, and what products are made of. A policy: layers ask it, they never name
/// float.
struct fp32 {
  using activation = float;
  using weight = float;
  using compute = float;
};

/// Twice the digits, for gradient checks.
struct fp64 {
  using activation = double;
  using weight = double;
  using compute = double;
};

/// Weights, their gradients and moments, statistics and sums like fp32, but what matrix products and
/// convolutions multiply is bfloat16, forward and backward, as with PyTorch's autocast. A CPU rounds factors
/// while it packs them and keeps activations as float (Winograd's algorithm and convolutions of colour images
/// multiply float); a GPU, short of memory traffic, stores activations and their gradients as the factors
/// they become.
struct bf16 {
  using activation = float;
  using weight = float;
  using compute = bfloat16;
};

/// Kept and added like fp32, but multiplied with ten binary digits where a device is quicker at that: by
/// tensor cores. A CPU multiplies float.
struct tf32 : fp32 {
  static constexpr bool products_in_tf32 = true;
};

/// Allocates, moves and clears memory, and has a stream that its kernels run on.
template <class D>
concept Device = requires(float* p, std::size_t n) {
  typename D::stream;
  { D::template allocate<float>(n) } -> std::same_as<float*>;
  D::release(p);
};

namespace detail {
/// What a device's kernels say of a loss: its value, or a promise of it where the device runs apart from the
/// host.
template <class D>
struct loss_value_of {
  using type = double;
};
template <class D>
  requires requires { typename D::loss_value; }
struct loss_value_of<D> {
  using type = typename D::loss_value;
};

/// What a device runs in unless it is told: fp32, or what it says itself.
template <class D>
struct default_numerics {
  using type = fp32;
};
template <class D>
  requires requires { typename D::default_numerics; }
struct default_numerics<D> {
  using type = typename D::default_numerics;
};

/// Does a device store activations as the factors that products make of them?
template <class D>
inline constexpr bool stores_compute_type = false;
template <class D>
  requires requires { D::stores_compute_type; }
inline constexpr bool stores_compute_type<D> = D::stores_compute_type;
}  // namespace detail

/// Everything that belongs to one training step beside its views, in a form that the device reads: a method's
/// `learn` gets it, layers find it in `context.step`.
struct step_context {
  device_scalar<double> learning_rate = 0;
  device_scalar<double> target_momentum = 1;  ///< the fraction of its old value that an EMA target retains
  sample_keys keys{};                 ///< of the step's samples: masks and dropped paths are drawn with them
  double drop_path = 0;               ///< drop rate of a transformer's last block, in [0, 1)
  std::size_t batch_norm_groups = 1;  ///< equal parts of the batch that batch norm normalises separately
};

/// Where and how precisely a method runs: `on<cpu>`, `on<cpu, bf16>`, `on<cpu, fp64>`, `on<cuda>`, which is
/// `on<cuda, bf16>`. Holds the memory of one training step.
template <Device D, class Numerics = typename detail::default_numerics<D>::type>
struct on {
  using device = D;
  using numerics = Numerics;
  /// What activations and their gradients are stored as.
  using activation = std::conditional_t<detail::stores_compute_type<D>, typename Numerics::compute,
                                        typename Numerics::activation>;
  /// What all else is kept in: parameters, their gradients and moments, statistics, single numbers.
  using weight = typename Numerics::weight;
  /// What losses return: a double, or what becomes one at the end of the step; it can be added to others and
  /// multiplied by a double.
  using loss_value = typename detail::loss_value_of<D>::type;

  typename D::stream stream{};
  arena<D> activations{};  ///< what forward leaves for backward; reset by each step
  arena<D> workspace{};    ///< what one call needs while it runs
  step_context step{};     ///< read by layers and maskings; set by a method while it learns (`step_scope`)
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

/// A layer's slice of the flat parameter and gradient buffers.
template <class Context>
struct weights {
  using weight = typename Context::weight;
  using activation = typename Context::activation;

  weight* value = nullptr;
  weight* gradient = nullptr;
  const activation* rounded = nullptr;  ///< the values once more, where activations are stored otherwise

  constexpr weights at(std::size_t offset) const {
    return {value + offset, gradient ? gradient + offset : nullptr, rounded ? rounded + offset : nullptr};
  }
  /// What products and convolutions read.
  constexpr const activation* operands() const {
    if constexpr (std::same_as<weight, activation>)
      return value;
    else
      return rounded;
  }
  /// Weights that are nothing but factors.
  static constexpr weights of_operands(activation* operands) {
    if constexpr (std::same_as<weight, activation>)
      return {operands, nullptr};
    else
      return {nullptr, nullptr, operands};
  }
};

/// What a layer reads and what it writes.
template <class Context, Shape S>
using reads = tensor_view<const typename Context::activation, S>;
template <class Context, Shape S>
using writes = tensor_view<typename Context::activation, S>;

}  // namespace pretext
