#pragma once
#include <algorithm>
#include <cstddef>
#include <new>
#include <vector>

#include <pretext/core/tensor.hpp>

namespace pretext {

/// Device memory given out front to back and taken back all at once, so that a training step allocates
/// nothing: the first step grows it piece by piece, and every later step gets the same addresses again. Where
/// memory costs nothing before it is written, pieces are larger than most steps need; elsewhere each is as
/// large as it must be, and once the arena is empty again, pieces that wasted room become one.
template <class Device>
class arena {
 public:
  /// A place to rewind to.
  struct mark {
    std::size_t block = 0, offset = 0, before = 0;
  };

  /// `count` numbers, not cleared, aligned to 64 bytes.
  template <class T>
  T* allocate(std::size_t count) {
    const std::size_t bytes = (count * sizeof(T) + alignment - 1) / alignment * alignment;
    if (at_.block < blocks_.size() && at_.offset + bytes > blocks_[at_.block].size()) next_block();
    if (at_.block == blocks_.size() || bytes > blocks_[at_.block].size()) {
      blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(at_.block), blocks_.end());  // all free
      add_block(bytes);
    }
    std::byte* begin = blocks_[at_.block].data() + at_.offset;
    at_.offset += bytes;
    peak_ = std::max(peak_, at_.before + at_.offset);
    return reinterpret_cast<T*>(begin);
  }

  /// A batch of samples, not cleared.
  template <class T, Shape S>
  tensor_view<T, S> allocate(std::size_t batch) {
    return {allocate<T>(batch * S::size), batch};
  }

  mark position() const { return at_; }
  /// Takes back what was taken since.
  void rewind(mark to) noexcept {
    at_ = to;
    if (at_.block > 0 || at_.offset > 0 || blocks_.size() < 2) return;
    if (on_demand || total() <= peak_ + peak_ / 32) return;  // hardly anything would be won
    blocks_.clear();
    try {
      add_block(peak_);
    } catch (...) {  // a block is being left; whoever takes next hears of it
    }
  }
  /// Takes everything back.
  void reset() noexcept { rewind({}); }

  /// How often it has asked for memory: while this number stays, equal steps get equal addresses.
  std::size_t blocks_allocated() const { return pieces_made_; }
  /// Bytes in use at the fullest moment so far.
  std::size_t peak() const { return peak_; }

 private:
  static constexpr bool on_demand = requires { Device::pages_on_demand; };
  static constexpr std::size_t alignment = 64, smallest_block = std::size_t{1} << (on_demand ? 30 : 16);

  void add_block(std::size_t bytes) {
    try {
      blocks_.emplace_back(std::max(bytes, smallest_block), contents::undefined);
    } catch (const std::bad_alloc&) {  // a system that does not give more than it has
      if (bytes >= smallest_block) throw;
      blocks_.emplace_back(bytes, contents::undefined);
    }
    ++pieces_made_;
  }
  std::size_t total() const {
    std::size_t sum = 0;
    for (const auto& block : blocks_) sum += block.size();
    return sum;
  }
  void next_block() {
    at_.before += at_.offset;
    ++at_.block;
    at_.offset = 0;
  }

  std::vector<buffer<std::byte, Device>> blocks_;
  mark at_;
  std::size_t peak_ = 0, pieces_made_ = 0;
};

/// Rewinds an arena when the block that borrowed from it ends.
template <class Device>
class arena_scope {
 public:
  explicit arena_scope(arena<Device>& from) : from_{from}, start_{from.position()} {}
  arena_scope(const arena_scope&) = delete;
  arena_scope& operator=(const arena_scope&) = delete;
  ~arena_scope() { from_.rewind(start_); }

 private:
  arena<Device>& from_;
  typename arena<Device>::mark start_;
};

}  // namespace pretext
