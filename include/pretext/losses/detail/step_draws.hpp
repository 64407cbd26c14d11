// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/after_step.hpp>

namespace pretext::inline v0_1::detail {

struct count_step {
  std::uint64_t* steps;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t, const Team& team) const {
    team.each(1, [&](std::size_t) { ++*steps; });
  }
};

/// The number of completed steps and a seed, in the device's memory: what a step's draws depend on.
template <class Context>
class step_draws {
 public:
  void start(Context& context, std::uint64_t seed) {
    values_ = buffer<std::uint64_t, typename Context::device>{2};
    const std::uint64_t first[] = {0, seed};
    Context::device::write(context.stream, values_.data(), first, 2);
  }
  device_scalar<std::uint64_t> steps() const {
    return device_scalar<std::uint64_t>::at_address(values_.data());
  }
  device_scalar<std::uint64_t> seed() const {
    return device_scalar<std::uint64_t>::at_address(values_.data() + 1);
  }
  void commit(Context& context) { kernels::for_each_row_after_step(context, 1, count_step{values_.data()}); }

  template <class Visitor>
  void for_each_buffer(Visitor&& visit) {
    visit(std::string_view{"steps_and_seed"}, values_.data(), values_.size());
  }

 private:
  buffer<std::uint64_t, typename Context::device> values_;
};

}  // namespace pretext::inline v0_1::detail
