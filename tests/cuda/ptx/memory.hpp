#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace pretext::tests::ptx {

/// What is wrong with an access, or null: words that follow "reads" or "writes".
using objection = const char*;

/// A played GPU's memory. Its addresses are out of the host's reach, as a GPU's are: who follows one in the
/// host's code ends the program. Of every byte it knows who wrote and who read it last, in the kernel that
/// runs. Addresses are never given out twice, and pages lie between allocations.
class device_memory {
 public:
  static constexpr std::size_t room = std::size_t{1} << 36;

  device_memory();
  device_memory(const device_memory&) = delete;
  device_memory& operator=(const device_memory&) = delete;
  ~device_memory();

  /// Not written yet; 0 where there is no room.
  std::uint64_t allocate(std::size_t bytes);
  /// Says whether that was the beginning of an allocation.
  bool release(std::uint64_t address);
  std::size_t allocations() const { return sizes_.size(); }
  std::size_t free_bytes() const { return room - in_use_; }
  bool holds(const void* address) const { return reinterpret_cast<std::uint64_t>(address) - first_ < room; }

  /// Where the host finds what lies there.
  std::byte* reach(std::uint64_t address) { return bytes_ + (address - first_); }
  /// Libraries and copies: all of it was allocated, all of it was written.
  objection on_read(std::uint64_t address, std::size_t bytes) const;
  /// All of it was allocated; from now on it is written.
  objection on_write(std::uint64_t address, std::size_t bytes);

  void begin_kernel() { first_of_kernel_ = several_ = ++block_; }
  void begin_block() { ++block_; }
  /// The same for a block of the kernel that runs, whose blocks may run in any order. `constant` is memory
  /// that a kernel reads through a cache that hears of no writing.
  template <std::size_t Bytes>
  objection on_block_read(std::uint64_t address, bool constant);
  template <std::size_t Bytes>
  objection on_block_write(std::uint64_t address);

 private:
  using agent = std::uint32_t;  // who wrote or read: somebody before the kernel, or one of its blocks
  static constexpr agent nowhere = 0, nobody = 1, the_host = 2;

  bool before(agent a) const { return a < first_of_kernel_; }
  void open(std::uint64_t offset, std::size_t bytes);

  std::uint64_t first_ = 0;
  std::byte* bytes_ = nullptr;
  agent *writers_ = nullptr, *readers_ = nullptr;
  std::size_t taken_ = 0, in_use_ = 0;
  std::map<std::uint64_t, std::size_t> sizes_;
  agent block_ = the_host, first_of_kernel_ = the_host + 1, several_ = 0;  // blocks of the kernel
};

inline constexpr objection not_allocated = "memory that is not allocated",
                           not_written = "memory that nobody has written",
                           of_another_block = "what another block of the kernel writes",
                           of_a_reader = "what another block of the kernel reads",
                           not_constant = "as constant what the kernel writes";

template <std::size_t Bytes>
objection device_memory::on_block_read(std::uint64_t address, bool constant) {
  const std::uint64_t offset = address - first_;
  if (offset + Bytes > taken_ || offset > taken_) return not_allocated;
  const agent* const writer = writers_ + offset;
  agent* const reader = readers_ + offset;
  bool good = true;
  for (std::size_t i = 0; i < Bytes; ++i)
    good &= writer[i] > nobody && (before(writer[i]) || (writer[i] == block_ && !constant));
  if (!good) {
    for (std::size_t i = 0; i < Bytes; ++i) {
      if (writer[i] == nowhere) return not_allocated;
      if (writer[i] == nobody) return not_written;
      if (writer[i] == block_ && constant) return not_constant;
    }
    return of_another_block;
  }
  for (std::size_t i = 0; i < Bytes; ++i)
    reader[i] = before(reader[i]) || reader[i] == block_ ? block_ : several_;
  return nullptr;
}

template <std::size_t Bytes>
objection device_memory::on_block_write(std::uint64_t address) {
  const std::uint64_t offset = address - first_;
  if (offset + Bytes > taken_ || offset > taken_) return not_allocated;
  agent* const writer = writers_ + offset;
  const agent* const reader = readers_ + offset;
  bool allocated = true, alone = true, unread = true;
  for (std::size_t i = 0; i < Bytes; ++i) {
    allocated &= writer[i] != nowhere;
    alone &= before(writer[i]) || writer[i] == block_;
    unread &= before(reader[i]) || reader[i] == block_;
    writer[i] = allocated ? block_ : nowhere;
  }
  return !allocated ? not_allocated : !alone ? of_another_block : !unread ? of_a_reader : nullptr;
}

}  // namespace pretext::tests::ptx
