#pragma once
#include <array>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include <pretext/core/context.hpp>

namespace pretext::detail {

/// A device that can record what a step puts on its stream and do it again.
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

/// The bytes of a plain value, by which it is seen whether somebody has changed it.
template <class T>
auto bytes_of(const T& value) {
  constexpr bool plain = std::is_trivially_copyable_v<T>;
  std::array<std::byte, plain ? sizeof(T) : 0> bytes{};
  if constexpr (plain) std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

/// What a recorded step has in it besides what the device's memory holds: where memory is, and numbers that
/// the host has passed by value. A step may be repeated while none of it changes.
template <class Trainer>
class graph_key {
 public:
  graph_key(Trainer& of, std::size_t images)
      : images_{images},
        kept_{of.context().activations.blocks_allocated()},
        scratch_{of.context().workspace.blocks_allocated()},
        drop_path_{of.context().drop_path},
        method_{bytes_of(of.method())},
        optimizer_{bytes_of(of.optimizer())} {
    if constexpr (requires { of.memory().soft_targets; }) target_ = of.memory().soft_targets.view().data;
  }

  friend bool operator==(const graph_key&, const graph_key&) = default;

 private:
  std::size_t images_, kept_, scratch_;
  double drop_path_;
  const void* target_ = nullptr;
  decltype(bytes_of(std::declval<Trainer&>().method())) method_;
  decltype(bytes_of(std::declval<Trainer&>().optimizer())) optimizer_;
};

}  // namespace pretext::detail
