#include "cuda/emulated.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <type_traits>

#include <pretext/core/context.hpp>
#include <pretext/core/device.hpp>
#include <pretext/devices/cpu.hpp>

using namespace pretext;

namespace {

struct without_read {
  struct stream {};
  template <class T>
  static T* allocate(std::size_t) {
    return nullptr;
  }
  template <class T>
  static void release(T*) {}
  template <class T>
  static void write(const stream&, T*, const T*, std::size_t) {}
  template <class T>
  static void clear(const stream&, T*, std::size_t) {}
};
struct complete : without_read {
  template <class T>
  static void read(const stream&, T*, const T*, std::size_t) {}
};
struct without_copies : complete {
  struct stream {
    stream() = default;
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;
  };
};
struct accelerator_in_name_only : complete {
  static constexpr bool is_accelerator = true;
};
struct double_by_default : complete {
  using default_numerics = fp64;
};
struct rounded_activations : complete {
  static constexpr bool stores_compute_type = true;
};

}  // namespace

TEST_CASE("a device has a stream that can be copied, and memory that can be allocated, copied and cleared") {
  static_assert(Device<cpu> && Device<complete> && Device<tests::emulated>);
  static_assert(!Device<int> && !Device<without_read> && !Device<without_copies>);
}

TEST_CASE("an accelerator is a device with the members that kernels for accelerators need") {
  static_assert(Accelerator<tests::emulated>);
  static_assert(!Accelerator<cpu> && !Accelerator<accelerator_in_name_only>);
}

TEST_CASE("a context has the types of its numerics, and defaults of its device") {
  static_assert(std::is_same_v<on<complete>::numerics, fp32>);
  static_assert(std::is_same_v<on<double_by_default>::activation, double>);
  static_assert(std::is_same_v<on<complete, bf16>::activation, float>);
  static_assert(std::is_same_v<on<rounded_activations, bf16>::activation, bfloat16>);
  static_assert(std::is_same_v<on<rounded_activations, bf16>::weight, float>);
  static_assert(std::is_same_v<on<complete>::loss_value, double>);
  static_assert(NumericsPolicy<tf32> && !NumericsPolicy<float>);
}
