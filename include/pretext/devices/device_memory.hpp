// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <new>
#include <string>

#include <pretext/core/expects.hpp>

namespace pretext::inline v0_1 {

namespace detail {
inline std::string mebibytes(std::size_t bytes) {
  return str_cat((bytes + (std::size_t{1} << 20) - 1) >> 20, " MiB");
}
}  // namespace detail

/// An upper bound of the batch that fits: `batch` images needed at least `needed` bytes and failed with
/// `available` bytes. Memory is proportional to the batch.
constexpr std::size_t largest_batch(std::size_t batch, std::size_t needed, std::size_t available) {
  if (needed == 0 || available >= needed) return batch;
  // In double: the product may exceed 64 bits.
  return static_cast<std::size_t>(static_cast<double>(batch) *
                                  (static_cast<double>(available) / double(needed)));
}

/// A device is out of memory. The message contains the bytes requested and free and, with `in_batch`, the
/// largest batch that could fit.
class out_of_device_memory : public std::bad_alloc {
 public:
  out_of_device_memory(std::size_t requested, std::size_t free, std::size_t total)
      : requested_{requested},
        free_{free},
        text_{str_cat("out of device memory: ", detail::mebibytes(requested), " requested with ",
                      detail::mebibytes(free), " of ", detail::mebibytes(total), " free")} {}

  /// The same error with the largest batch that could fit: a step with `batch` images used `used` bytes
  /// before it failed.
  out_of_device_memory in_batch(std::size_t batch, std::size_t used) const {
    out_of_device_memory error{*this};
    error.text_ += str_cat("; a batch of ", batch, " images does not fit, nor does one of more than ",
                           largest_batch(batch, used + requested_, used + free_),
                           ": choose a smaller batch or a smaller network");
    return error;
  }

  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::size_t requested_, free_;
  std::string text_;
};

}  // namespace pretext::inline v0_1
