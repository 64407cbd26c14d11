#pragma once
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "counts.hpp"
#include "program.hpp"
#include "shared_memory.hpp"

namespace pretext::tests::ptx {

/// The extents of a launch. Grids have one dimension, as in all of the library's kernels.
struct grid_of_blocks {
  unsigned blocks = 1, threads = 32;
  std::size_t shared_bytes = 0;
};

/// Everything that a block's warps share.
struct launch_context {
  const kernel& code;
  const grid_of_blocks& grid;
  const std::vector<std::byte>& parameters;
  device_memory& global;
  shared_memory& shared;
  block_counts* counted = nullptr;  ///< counts what the block does, unless null
};

/// Converts between a register's bits and a typed value. Signed values are sign-extended to the whole
/// register, because nvcc loads them into larger ones.
template <class T>
T get(std::uint64_t bits) {
  if constexpr (std::same_as<T, bool>)
    return (bits & 1) != 0;
  else if constexpr (std::same_as<T, float>)
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  else if constexpr (std::same_as<T, double>)
    return std::bit_cast<double>(bits);
  else
    return static_cast<T>(bits);
}
template <class T>
std::uint64_t bits_of(T value) {
  if constexpr (std::same_as<T, float>)
    return std::bit_cast<std::uint32_t>(value);
  else if constexpr (std::same_as<T, double>)
    return std::bit_cast<std::uint64_t>(value);
  else if constexpr (std::is_signed_v<T>)
    return static_cast<std::uint64_t>(std::int64_t{value});
  else
    return value;
}

/// 32 threads, each with its own program counter. The threads with the lowest counter run next, all
/// together, so diverged threads reconverge after branches and loops. Warp-wide instructions wait until all
/// threads of the warp have arrived.
class warp {
 public:
  enum class state : std::uint8_t { runs, waits, has_ended };

  warp(const launch_context& context, unsigned first_thread);

  void begin(unsigned block);
  /// Runs until the block's next barrier or until all threads have ended.
  state run();

  const row& operator[](std::uint32_t r) const { return rows_[r]; }
  row& operator[](std::uint32_t r) { return rows_[r]; }
  /// Calls work(lane) for every thread that executes the instruction.
  template <class Work>
  void for_each_lane(const Work& work) const {
    if (active_ == ~std::uint32_t{0}) {
      for (unsigned lane = 0; lane < lanes; ++lane) work(lane);
    } else {
      for (std::uint32_t left = active_; left != 0; left &= left - 1)
        work(static_cast<unsigned>(std::countr_zero(left)));
    }
  }
  const launch_context& context() const { return context_; }
  /// The thread's local memory.
  std::byte* local(unsigned lane) { return local_.data() + lane * context_.code.local_bytes; }
  shared_memory::moment now(unsigned lane) const {
    return {context_.shared.barriers(), barriers_, static_cast<std::uint16_t>(first_thread_ + lane)};
  }
  shared_memory::moment now_all() const {
    return {context_.shared.barriers(), barriers_,
            shared_memory::whole_warp(static_cast<std::uint16_t>(first_thread_ / lanes))};
  }
  /// A copy to shared memory that a thread has started. Its bytes arrive when the thread waits for it.
  struct copy {
    unsigned lane;
    std::uint64_t to;
    std::array<std::byte, 16> bytes;
  };
  std::vector<copy>& copies() { return copies_; }
  /// Instructions executed in this block, if they are counted.
  std::uint64_t executed() const { return executed_; }
  /// A barrier of the warp.
  void pass_barrier() { ++barriers_; }
  /// Throws a fault such as "thread 3 of block 0 reads uninitialized memory, in `ld.…` of kernel".
  [[noreturn]] void fail(const instruction& i, unsigned lane, const std::string& what) const;

 private:
  /// Runs the threads with the lowest counter until they diverge, wait, or reach the counter of others.
  state advance();
  void set_next(std::uint32_t threads, std::uint32_t counter);

  void count(const instruction& i) {
    ++executed_;
    context_.counted->divisions += i.divides;
    context_.counted->issue_slots += i.issue_slots;
  }

  const launch_context& context_;
  std::uint64_t executed_ = 0;  // instructions of this block, if they are counted
  unsigned block_ = 0, first_thread_;
  std::vector<row> rows_;
  std::vector<std::byte> local_;
  std::array<std::uint32_t, lanes> next_{};
  // Thread masks: not ended; of these, waiting for the rest of the warp; executing the current instruction.
  std::uint32_t alive_ = 0, waiting_ = 0, active_ = 0;
  std::uint16_t barriers_ = 0;
  std::vector<copy> copies_;
};

/// A launch, whose blocks run one after another. Its calls throw a fault for any invalid access or barrier.
class kernel_run {
 public:
  kernel_run(const kernel& code, const grid_of_blocks& grid, const std::vector<std::byte>& parameters,
             device_memory& global, shared_memory& shared, block_counts* counted = nullptr);
  void run(unsigned block);

 private:
  launch_context context_;
  std::vector<warp> warps_;
};

/// Runs all blocks of a kernel.
void run_kernel(const kernel& code, const grid_of_blocks& grid, const std::vector<std::byte>& parameters,
                device_memory& global, shared_memory& shared);

/// A kernel's name in C++.
std::string readable(const std::string& mangled);

}  // namespace pretext::tests::ptx
