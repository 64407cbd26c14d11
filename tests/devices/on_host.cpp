#include "cuda/isolated_device.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/devices/on_host.hpp>

using namespace pretext;
using tests::isolated_device;

TEST_CASE("elements of the CPU are used in place, those of a separate device are copied") {
  static_assert(!has_separate_memory<cpu> && has_separate_memory<isolated_device>);
  const std::vector<double> values{1, 2, 3};
  std::vector<double> storage;
  const auto in_place = on_host<cpu>({}, values.data(), 3, storage);
  CHECK(in_place.data() == values.data());
  CHECK(storage.empty());

  const buffer<double, isolated_device> device{3};
  isolated_device::write({}, device.data(), values.data(), 3);
  const auto copied = on_host<isolated_device>({}, static_cast<const double*>(device.data()), 3, storage);
  CHECK(copied.data() == storage.data());
  CHECK(storage == values);
}

TEST_CASE("changes of the host reach the device") {
  std::vector<int> values{1, 2, 3};
  const auto negate = [](int* data) {
    for (std::size_t i = 0; i < 3; ++i) data[i] = -data[i];
  };
  change_on_host<cpu>({}, values.data(), 3, negate);
  CHECK(values == std::vector<int>{-1, -2, -3});

  const buffer<int, isolated_device> device{3};
  isolated_device::write({}, device.data(), values.data(), 3);
  change_on_host<isolated_device>({}, device.data(), 3, negate);
  std::vector<int> storage;
  const auto changed = on_host<isolated_device>({}, static_cast<const int*>(device.data()), 3, storage);
  CHECK(changed[0] == 1);
  CHECK(changed[2] == 3);
}

TEST_CASE("a batch of bfloat16 is read as floats") {
  const on<isolated_device, bf16> context;
  using sample = shape<2>;
  const std::vector<bfloat16> values{bfloat16{0.5f}, bfloat16{-3.f}};
  tensor<bfloat16, sample, isolated_device> batch{1};
  isolated_device::write(context.stream, batch.view().data, values.data(), 2);
  std::vector<float> storage;
  const auto floats = floats_on_host(context, tensor_view<const bfloat16, sample>{batch.view()}, storage);
  CHECK(floats.size() == 2);
  CHECK(floats[0] == 0.5f);
  CHECK(floats[1] == -3.f);
}
