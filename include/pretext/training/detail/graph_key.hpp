// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include <pretext/core/context.hpp>
#include <pretext/methods/concepts.hpp>

// A recorded step (a CUDA graph) repeats the values that the host passed when it was recorded: a temperature,
// a weight decay, the address of a buffer. A graph_key holds all of them, so that a step is recorded again
// when one has changed. What changes at every step is in device memory and needs no key.
namespace pretext::inline v0_1::detail {

/// A device that can record the work of a step and replay it.
template <class D>
concept Recorder = requires {
  typename D::recording;
};

struct nothing_recorded {};
template <class D>
struct recording_type {
  using type = nothing_recorded;
};
template <Recorder D>
struct recording_type<D> {
  using type = typename D::recording;
};
template <class D>
using recording_of = typename recording_type<D>::type;

/// The hyper-parameters of a method or an optimizer at one moment. A type with operator== is copied and
/// compared with it; the bytes of other trivially copyable types are compared, where a difference in padding
/// costs one more recording but no change is missed.
template <class T>
class snapshot {
  static_assert(std::equality_comparable<T> || std::is_trivially_copyable_v<T>,
                "pretext::step_queue: give the method, its loss and the optimizer an operator==, because a "
                "recorded step must see when one of their hyper-parameters has changed.");

 public:
  explicit snapshot(const T& value) : value_{copy(value)} {}

  friend bool operator==(const snapshot& a, const snapshot& b) { return a.value_ == b.value_; }

 private:
  static auto copy(const T& value) {
    if constexpr (std::equality_comparable<T>) {
      return value;
    } else {
      std::array<std::byte, sizeof(T)> bytes{};
      if constexpr (std::is_trivially_copyable_v<T>) std::memcpy(bytes.data(), &value, sizeof(T));
      return bytes;
    }
  }

  decltype(copy(std::declval<const T&>())) value_;
};

/// All values that a recorded step has received from the host. The step may be replayed while its key stays
/// equal.
template <class Trainer>
class graph_key {
 public:
  graph_key(Trainer& trainer, std::size_t images, double drop_path)
      : images_{images},
        activation_blocks_{trainer.context().activations.blocks_allocated()},
        workspace_blocks_{trainer.context().workspace.blocks_allocated()},
        drop_path_{drop_path},
        recomputes_activations_{trainer.context().recomputes_activations},
        communicator_{trainer.context().communicator},
        method_{std::as_const(trainer).method()},
        optimizer_{std::as_const(trainer).optimizer()} {
    if constexpr (LabelledMethod<typename Trainer::method_type>)
      soft_targets_ = trainer.memory().soft_targets.view().data;
  }

  friend bool operator==(const graph_key&, const graph_key&) = default;

 private:
  std::size_t images_, activation_blocks_, workspace_blocks_;
  double drop_path_;
  bool recomputes_activations_;
  const void *communicator_, *soft_targets_ = nullptr;
  snapshot<typename Trainer::method_type> method_;
  snapshot<typename Trainer::optimizer_type> optimizer_;
};

}  // namespace pretext::inline v0_1::detail
