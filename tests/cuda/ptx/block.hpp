#pragma once
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "program.hpp"
#include "shared_memory.hpp"

namespace pretext::tests::ptx {

/// How a kernel is started. A grid has one dimension, as all of ours.
struct grid_of_blocks {
  unsigned blocks = 1, threads = 32;
  std::size_t shared_bytes = 0;
};

/// What a block works on.
struct surroundings {
  const kernel& code;
  const grid_of_blocks& grid;
  const std::vector<std::byte>& parameters;
  device_memory& global;
  shared_memory& shared;
};

/// What a register of a type holds, and back. Numbers with a sign fill the whole register with it, since nvcc
/// loads them into larger ones.
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

/// 32 threads, each where its branches have led it. Those that are least far go first, all of them at once:
/// so they meet again behind branches and loops. What all must do together waits until all are there.
class warp {
 public:
  enum class state : std::uint8_t { runs, waits, has_ended };

  warp(const surroundings& around, unsigned first_thread);

  void begin(unsigned block);
  /// Until the next barrier of the block or the end.
  state run();

  const row& operator[](std::uint32_t r) const { return rows_[r]; }
  row& operator[](std::uint32_t r) { return rows_[r]; }
  /// For every thread that the instruction is for.
  template <class Work>
  void each_lane(const Work& work) const {
    if (where_ == ~std::uint32_t{0}) {
      for (unsigned lane = 0; lane < lanes; ++lane) work(lane);
    } else {
      for (std::uint32_t left = where_; left != 0; left &= left - 1)
        work(static_cast<unsigned>(std::countr_zero(left)));
    }
  }
  const surroundings& around() const { return around_; }
  /// Memory of one thread.
  std::byte* local(unsigned lane) { return local_.data() + lane * around_.code.local_bytes; }
  shared_memory::moment now(unsigned lane) const {
    return {around_.shared.barriers(), barriers_, static_cast<std::uint16_t>(first_thread_ + lane)};
  }
  shared_memory::moment now_all() const {
    return {around_.shared.barriers(), barriers_,
            shared_memory::whole_warp(static_cast<std::uint16_t>(first_thread_ / lanes))};
  }
  /// A barrier of the warp.
  void pass_barrier() { ++barriers_; }
  /// Ends everything with a sentence: "… reads memory that nobody has written".
  [[noreturn]] void refuse(const instruction& i, unsigned lane, const std::string& what) const;

 private:
  /// Runs the threads that are least far, until they part or wait or others are no farther.
  state advance();
  void leave(std::uint32_t who, std::uint32_t where);

  const surroundings& around_;
  unsigned block_ = 0, first_thread_;
  std::vector<row> rows_;
  std::vector<std::byte> local_;
  std::array<std::uint32_t, lanes> next_{};
  // Threads: those that have not ended, those of them that wait for the rest, those that do the instruction.
  std::uint32_t alive_ = 0, waiting_ = 0, where_ = 0;
  std::uint16_t barriers_ = 0;
};

/// All blocks of a kernel, one after another, and what is wrong with it as a fault.
void run_kernel(const kernel& code, const grid_of_blocks& grid, const std::vector<std::byte>& parameters,
                device_memory& global, shared_memory& shared);

}  // namespace pretext::tests::ptx
