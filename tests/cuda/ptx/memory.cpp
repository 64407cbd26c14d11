#include "memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace pretext::tests::ptx {
namespace {

constexpr std::size_t page = 4096;

/// Addresses without memory behind them.
template <class T>
T* reserved(std::size_t count) {
  void* const made =
      mmap(nullptr, count * sizeof(T), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED) throw std::bad_alloc{};
  return static_cast<T*>(made);
}

}  // namespace

device_memory::device_memory()
    : first_{reinterpret_cast<std::uint64_t>(reserved<std::byte>(room))},
      bytes_{reserved<std::byte>(room)},
      writers_{reserved<agent>(room)},
      readers_{reserved<agent>(room)} {}

device_memory::~device_memory() {
  munmap(reinterpret_cast<void*>(first_), room);
  munmap(bytes_, room);
  munmap(writers_, room * sizeof(agent));
  munmap(readers_, room * sizeof(agent));
}

void device_memory::open(std::uint64_t offset, std::size_t bytes) {
  const auto both = PROT_READ | PROT_WRITE;
  if (mprotect(bytes_ + offset, bytes, both) != 0 ||
      mprotect(writers_ + offset, bytes * sizeof(agent), both) != 0 ||
      mprotect(readers_ + offset, bytes * sizeof(agent), both) != 0)
    throw std::bad_alloc{};
}

std::uint64_t device_memory::allocate(std::size_t bytes) {
  const std::size_t whole = (bytes + page - 1) / page * page;
  if (bytes == 0 || bytes > room || taken_ + whole + page > room) return 0;
  const std::uint64_t offset = taken_;
  open(offset, whole + page);
  std::fill_n(writers_ + offset, bytes, nobody);
  taken_ += whole + page;
  in_use_ += bytes;
  sizes_.emplace(first_ + offset, bytes);
  return first_ + offset;
}

bool device_memory::release(std::uint64_t address) {
  const auto found = sizes_.find(address);
  if (found == sizes_.end()) return false;
  const std::uint64_t offset = address - first_;
  const std::size_t whole = (found->second + page - 1) / page * page;
  madvise(bytes_ + offset, whole, MADV_DONTNEED);
  madvise(writers_ + offset, whole * sizeof(agent), MADV_DONTNEED);  // zeros: nowhere
  madvise(readers_ + offset, whole * sizeof(agent), MADV_DONTNEED);
  in_use_ -= found->second;
  sizes_.erase(found);
  return true;
}

objection device_memory::on_read(std::uint64_t address, std::size_t bytes) const {
  const std::uint64_t offset = address - first_;
  if (offset > taken_ || bytes > taken_ - offset) return not_allocated;
  const agent least = bytes == 0 ? the_host : *std::min_element(writers_ + offset, writers_ + offset + bytes);
  return least == nowhere ? not_allocated : least == nobody ? not_written : nullptr;
}

objection device_memory::on_write(std::uint64_t address, std::size_t bytes) {
  const std::uint64_t offset = address - first_;
  if (offset > taken_ || bytes > taken_ - offset) return not_allocated;
  agent* const writer = writers_ + offset;
  if (std::find(writer, writer + bytes, nowhere) != writer + bytes) return not_allocated;
  std::fill_n(writer, bytes, the_host);
  return nullptr;
}

}  // namespace pretext::tests::ptx
