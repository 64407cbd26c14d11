#include "memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace pretext::tests::ptx {
namespace {

constexpr std::size_t page = 4096;

/// Reserves addresses without committing memory.
template <class T>
T* reserved(std::size_t count) {
  void* const result =
      mmap(nullptr, count * sizeof(T), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (result == MAP_FAILED) throw std::bad_alloc{};
  return static_cast<T*>(result);
}

}  // namespace

device_memory::device_memory()
    : first_{reinterpret_cast<std::uint64_t>(reserved<std::byte>(addresses))},
      bytes_{reserved<std::byte>(addresses)},
      writers_{reserved<agent>(addresses)},
      readers_{reserved<agent>(addresses)} {}

device_memory::~device_memory() {
  munmap(reinterpret_cast<void*>(first_), addresses);
  munmap(bytes_, addresses);
  munmap(writers_, addresses * sizeof(agent));
  munmap(readers_, addresses * sizeof(agent));
}

void device_memory::open(std::uint64_t offset, std::size_t bytes) {
  const auto both = PROT_READ | PROT_WRITE;
  if (mprotect(bytes_ + offset, bytes, both) != 0 ||
      mprotect(writers_ + offset, bytes * sizeof(agent), both) != 0 ||
      mprotect(readers_ + offset, bytes * sizeof(agent), both) != 0)
    throw std::bad_alloc{};
}

std::uint64_t device_memory::allocate(std::size_t bytes) {
  const std::size_t rounded = (bytes + page - 1) / page * page;
  if (bytes == 0 || bytes > free_bytes() || reserved_ + rounded + page > addresses) return 0;
  const std::uint64_t offset = reserved_;
  open(offset, rounded + page);
  if (tracked_) std::fill_n(writers_ + offset, bytes, uninitialized);
  reserved_ += rounded + page;
  in_use_ += bytes;
  peak_ = std::max(peak_, in_use_);
  sizes_.emplace(first_ + offset, bytes);
  return first_ + offset;
}

bool device_memory::release(std::uint64_t address) {
  const auto found = sizes_.find(address);
  if (found == sizes_.end()) return false;
  const std::uint64_t offset = address - first_;
  const std::size_t rounded = (found->second + page - 1) / page * page;
  madvise(bytes_ + offset, rounded, MADV_DONTNEED);
  madvise(writers_ + offset, rounded * sizeof(agent), MADV_DONTNEED);  // zeros mean unallocated
  madvise(readers_ + offset, rounded * sizeof(agent), MADV_DONTNEED);
  in_use_ -= found->second;
  sizes_.erase(found);
  return true;
}

access_error device_memory::on_read(std::uint64_t address, std::size_t bytes) const {
  const std::uint64_t offset = address - first_;
  if (offset > reserved_ || bytes > reserved_ - offset) return not_allocated;
  if (!tracked_) return nullptr;
  const agent least =
      bytes == 0 ? host_agent : *std::min_element(writers_ + offset, writers_ + offset + bytes);
  return least == unallocated ? not_allocated : least == uninitialized ? not_written : nullptr;
}

access_error device_memory::on_write(std::uint64_t address, std::size_t bytes) {
  const std::uint64_t offset = address - first_;
  if (offset > reserved_ || bytes > reserved_ - offset) return not_allocated;
  if (!tracked_) return nullptr;
  agent* const writer = writers_ + offset;
  if (std::find(writer, writer + bytes, unallocated) != writer + bytes) return not_allocated;
  std::fill_n(writer, bytes, host_agent);
  return nullptr;
}

}  // namespace pretext::tests::ptx
