// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include <pretext/core/expects.hpp>

namespace pretext::inline v0_1::detail {

/// Appends `count` threads that each call `serve(i)`, i in [0, count). If the system refuses one, calls
/// `stop()`, which must make the others return, joins them, and throws std::runtime_error with both numbers.
template <class Serve, class Stop>
void start_threads(std::vector<std::thread>& threads, std::size_t count, const Serve& serve,
                   const Stop& stop) {
  const auto give_up = [&] {
    stop();
    for (auto& thread : threads) thread.join();
    threads.clear();
  };
  for (std::size_t i = 0; i < count; ++i) try {
      threads.emplace_back([serve, i] { serve(i); });
    } catch (const std::system_error& refusal) {
      give_up();
      throw_error<std::runtime_error>("the system starts only ", i, " of ", count, " threads (",
                                      refusal.code().message(), "); ask for fewer threads");
    } catch (...) {
      give_up();
      throw;
    }
}

}  // namespace pretext::inline v0_1::detail
