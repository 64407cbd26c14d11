#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace pretext::tests::ptx {

/// Why an access is invalid, as words that follow "reads" or "writes"; null if it is valid.
using access_error = const char*;

/// The mock GPU's memory. Like a real GPU's, its addresses are not accessible to the host: dereferencing
/// one in host code crashes the program. For every byte it tracks the last writer and the last reader
/// within the running kernel. Addresses are never reused, and unmapped pages separate allocations.
class device_memory {
 public:
  static constexpr std::size_t capacity = std::size_t{1} << 37,
                               addresses = 2 * capacity;  ///< those of released memory are lost

  device_memory();
  device_memory(const device_memory&) = delete;
  device_memory& operator=(const device_memory&) = delete;
  ~device_memory();

  /// From now on new memory holds zeros, only addresses are checked, and bytes that no kernel writes cost no
  /// memory of the host: for networks of full size.
  void stop_tracking() { tracked_ = false; }
  bool tracked() const { return tracked_; }
  /// Uninitialized memory; returns 0 if there is no space left.
  std::uint64_t allocate(std::size_t bytes);
  /// Returns whether the address is the start of an allocation.
  bool release(std::uint64_t address);
  std::size_t allocations() const { return sizes_.size(); }
  std::size_t free_bytes() const { return capacity - in_use_; }
  /// The most bytes that were allocated at a time since the last call.
  std::size_t take_peak() {
    const std::size_t peak = peak_;
    peak_ = in_use_;
    return peak;
  }
  bool holds(const void* address) const {
    return reinterpret_cast<std::uint64_t>(address) - first_ < addresses;
  }

  /// The host's pointer to the memory behind an address.
  std::byte* host_pointer(std::uint64_t address) { return bytes_ + (address - first_); }
  /// For libraries and copies: all bytes must be allocated and initialized.
  access_error on_read(std::uint64_t address, std::size_t bytes) const;
  /// All bytes must be allocated; marks them as initialized.
  access_error on_write(std::uint64_t address, std::size_t bytes);

  void begin_kernel() { first_block_ = several_blocks_ = ++block_; }
  void begin_block() { ++block_; }
  /// The same for a block of the running kernel, whose blocks may run in any order. `constant` accesses use
  /// a cache that is not coherent with writes.
  template <std::size_t Bytes>
  access_error on_block_read(std::uint64_t address, bool constant);
  template <std::size_t Bytes>
  access_error on_block_write(std::uint64_t address);

 private:
  // The last writer or reader of a byte: the host, an earlier kernel, or a block of this one.
  using agent = std::uint32_t;
  static constexpr agent unallocated = 0, uninitialized = 1, host_agent = 2;

  bool before(agent a) const { return a < first_block_; }
  void open(std::uint64_t offset, std::size_t bytes);

  std::uint64_t first_ = 0;
  std::byte* bytes_ = nullptr;
  agent *writers_ = nullptr, *readers_ = nullptr;
  std::size_t reserved_ = 0, in_use_ = 0, peak_ = 0;
  bool tracked_ = true;
  std::map<std::uint64_t, std::size_t> sizes_;
  agent block_ = host_agent, first_block_ = host_agent + 1, several_blocks_ = 0;  // the kernel's blocks
};

inline constexpr access_error not_allocated = "memory that is not allocated",
                              not_written = "uninitialized memory",
                              written_by_another_block = "memory that another block of the kernel writes",
                              read_by_another_block = "memory that another block of the kernel reads",
                              not_constant = "through the read-only cache memory that the kernel writes";

template <std::size_t Bytes>
access_error device_memory::on_block_read(std::uint64_t address, bool constant) {
  const std::uint64_t offset = address - first_;
  if (offset + Bytes > reserved_ || offset > reserved_) return not_allocated;
  if (!tracked_) return nullptr;
  const agent* const writer = writers_ + offset;
  agent* const reader = readers_ + offset;
  bool good = true;
  for (std::size_t i = 0; i < Bytes; ++i)
    good &= writer[i] > uninitialized && (before(writer[i]) || (writer[i] == block_ && !constant));
  if (!good) {
    for (std::size_t i = 0; i < Bytes; ++i) {
      if (writer[i] == unallocated) return not_allocated;
      if (writer[i] == uninitialized) return not_written;
      if (writer[i] == block_ && constant) return not_constant;
    }
    return written_by_another_block;
  }
  for (std::size_t i = 0; i < Bytes; ++i)
    reader[i] = before(reader[i]) || reader[i] == block_ ? block_ : several_blocks_;
  return nullptr;
}

template <std::size_t Bytes>
access_error device_memory::on_block_write(std::uint64_t address) {
  const std::uint64_t offset = address - first_;
  if (offset + Bytes > reserved_ || offset > reserved_) return not_allocated;
  if (!tracked_) return nullptr;
  agent* const writer = writers_ + offset;
  const agent* const reader = readers_ + offset;
  bool allocated = true, unshared = true, unread = true;
  for (std::size_t i = 0; i < Bytes; ++i) {
    allocated &= writer[i] != unallocated;
    unshared &= before(writer[i]) || writer[i] == block_;
    unread &= before(reader[i]) || reader[i] == block_;
    writer[i] = allocated ? block_ : unallocated;
  }
  return !allocated  ? not_allocated
         : !unshared ? written_by_another_block
         : !unread   ? read_by_another_block
                     : nullptr;
}

}  // namespace pretext::tests::ptx
