// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <thread>

#include <pretext/core/expects.hpp>
#include <pretext/distributed/engine.hpp>

namespace pretext::inline v0_1::distributed::detail {

/// Asks `is_done()` until it is true: often at first, because most collectives are short, and then it leaves
/// the processor to others. Throws `lost_rank` when the patience of this rank ends.
template <class IsDone>
void wait_patiently(const IsDone& is_done, std::chrono::milliseconds patience, std::size_t rank,
                    std::string_view host, std::string_view doing) {
  using clock = std::chrono::steady_clock;
  const auto began = clock::now();
  while (!is_done()) {
    const auto waited = clock::now() - began;
    if (waited > patience)
      throw_error<lost_rank>("rank ", rank, " (", host, ") waited ",
                             std::chrono::duration<double>{patience}.count(), " s for the other ranks",
                             doing.empty() ? "" : " in ", doing,
                             ": one of them has died, hangs or is cut off, or needs more patience");
    if (waited < std::chrono::microseconds{200})
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(std::chrono::microseconds{50});
  }
}

/// Ends this process after a while, where ending all ranks hangs.
inline void end_later(int status, std::chrono::seconds grace) noexcept {
  try {
    std::thread{[=] {
      std::this_thread::sleep_for(grace);
      std::_Exit(status);
    }}.detach();
  } catch (const std::exception&) {  // there is no thread to wait in
  }
}

}  // namespace pretext::inline v0_1::distributed::detail
