// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <pretext/augment/views.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/random.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/training/batches.hpp>

namespace pretext::inline v0_1 {

/// Batches of a step queue that the host loads, one before every enqueued step: images of any size, from any
/// source. Their views are made before the step, which is then recorded and replayed without that work.
template <class Context, class Images, class Views>
class host_batches {
  using groups = detail::view_groups<Images, Views::views>;

 public:
  using device = typename Context::device;

  /// The seed keys the views and the random choices of networks.
  explicit host_batches(Views views, std::uint64_t seed = 1) : views_{std::move(views)}, seed_{seed} {}

  /// Makes the views of the next step from a range of images as `augment` takes it, and copies the indices of
  /// their samples to the device.
  template <class Range>
  void load(Context& context, const Range& images, std::span<const std::uint64_t> samples,
            std::uint32_t epoch) {
    last_ = groups::resize(batch_, samples.size());
    augment(context, views_, images, samples, seed_, epoch, last_);
    if (samples.size() > samples_.size()) samples_ = buffer<std::uint64_t, device>{samples.size()};
    count_ = samples.size();
    device::write(context.stream, samples_.data(), samples.data(), count_);
    device::write(context.stream, epoch_.data(), &epoch, 1);
  }
  /// The views, to be mixed before the step.
  typename groups::template to_write<Context> views() { return last_; }

  std::size_t images() const { return count_; }
  /// The views of the step and its keys.
  template <class Trainer>
  keyed_views<Context, Images> operator()(Trainer&, const step_state*) {
    return {last_, {seed_, device_scalar<std::uint32_t>::at_address(epoch_.data()), samples_.data(), count_}};
  }

 private:
  Views views_;
  std::uint64_t seed_;
  std::size_t count_ = 0;
  buffer<std::uint64_t, device> samples_;
  buffer<std::uint32_t, device> epoch_{1};
  typename groups::template owned<Context> batch_;
  typename groups::template to_write<Context> last_;
};

}  // namespace pretext::inline v0_1
