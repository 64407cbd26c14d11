#pragma once
#include <algorithm>
#include <cstddef>
#include <new>
#include <string>

#include <pretext/core/expects.hpp>

namespace pretext {

namespace detail {
inline std::string mebibytes(std::size_t bytes) {
  return str_cat((bytes + (std::size_t{1} << 20) - 1) >> 20, " MiB");
}
}  // namespace detail

/// The largest batch that can fit, at best: one that needed `needed` bytes so far has failed where `held`
/// bytes were there for it, and activations grow with the batch.
constexpr std::size_t largest_batch(std::size_t batch, std::size_t needed, std::size_t held) {
  if (needed == 0 || held >= needed) return batch;
  // In double: the product may exceed 64 bits.
  return static_cast<std::size_t>(static_cast<double>(batch) * (static_cast<double>(held) / double(needed)));
}

/// A device has no memory left: what was asked for, what is free, and, where the caller knows its batch,
/// which one could fit.
class out_of_device_memory : public std::bad_alloc {
 public:
  out_of_device_memory(std::size_t asked, std::size_t free, std::size_t total)
      : asked_{asked},
        free_{free},
        text_{str_cat("out of device memory: asked for ", detail::mebibytes(asked), " with ",
                      detail::mebibytes(free), " of ", detail::mebibytes(total), " free")} {}

  /// The same for who knows that the step of a batch of images has taken `taken` bytes before it failed.
  out_of_device_memory in_batch(std::size_t batch, std::size_t taken) const {
    out_of_device_memory told{*this};
    told.text_ += str_cat("; a batch of ", batch, " images does not fit, and none of more than ",
                          largest_batch(batch, taken + asked_, taken + free_),
                          " can: take a smaller batch or a smaller network");
    return told;
  }

  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::size_t asked_, free_;
  std::string text_;
};

}  // namespace pretext
