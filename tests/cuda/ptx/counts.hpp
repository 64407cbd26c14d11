#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

// What blocks would cost a GPU, counted while they are interpreted.
namespace pretext::tests::ptx {

/// The addresses of a warp's memory request.
class request {
 public:
  explicit request(std::size_t bytes) : bytes_{bytes} {}
  void add(std::uint64_t address) { addresses_[count_++] = address; }
  bool empty() const { return count_ == 0; }

  /// The sectors of 32 bytes that are accessed, each once, in order.
  std::vector<std::uint64_t> sectors() const {
    std::vector<std::uint64_t> all;
    for (std::size_t i = 0; i < count_; ++i)
      for (std::uint64_t s = addresses_[i] / 32; s <= (addresses_[i] + bytes_ - 1) / 32; ++s)
        all.push_back(s);
    keep_distinct(all);
    return all;
  }
  static void keep_distinct(std::vector<std::uint64_t>& all) {
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
  /// Groups of threads that access up to 128 bytes together.
  std::uint64_t groups() const { return (count_ + group() - 1) / group(); }
  std::uint64_t wavefronts() const {
    std::uint64_t sum = 0;
    for (std::size_t first = 0; first < count_; first += group())
      sum += most_words_of_a_bank(first, std::min(first + group(), count_));
    return sum;
  }

 private:
  std::size_t group() const { return bytes_ <= 4 ? 32 : 128 / bytes_; }
  std::uint64_t most_words_of_a_bank(std::size_t begin, std::size_t end) const {
    std::array<std::uint64_t, 32 * 4> words;
    std::size_t n = 0;
    for (std::size_t i = begin; i < end; ++i)
      for (std::uint64_t w = addresses_[i] / 4; w <= (addresses_[i] + bytes_ - 1) / 4; ++w) words[n++] = w;
    std::sort(words.begin(), words.begin() + n);
    const auto last = std::unique(words.begin(), words.begin() + n);
    std::array<std::uint64_t, 32> of_bank{};
    for (auto word = words.begin(); word != last; ++word) ++of_bank[*word % 32];
    return *std::max_element(of_bank.begin(), of_bank.end());
  }

  std::size_t bytes_, count_ = 0;
  std::array<std::uint64_t, 32> addresses_{};
};

/// What a call of a library computes and moves.
struct library_work {
  double flops = 0, bytes = 0;
  std::size_t contracted = 0;  ///< of a product or convolution: summands of a result, channels of an input
  float milliseconds = 1;      ///< that it takes on the clock of the mock GPU
};

/// Requests are memory instructions of a warp. One to global memory moves whole sectors of 32 bytes. One to
/// shared memory takes a wavefront for each group of threads that access 128 bytes, and another one wherever
/// threads of a group access different words of a bank.
struct block_counts {
  std::uint64_t instructions = 0,  ///< of PTX, once per warp
      issue_slots = 0,   ///< what they take a scheduler, in hundredths of an instruction; see issue_slots.hpp
      longest_warp = 0,  ///< instructions of the warp that executes most
      divisions = 0,     ///< of integers
      barriers = 0, requests = 0, sectors = 0,
                shared_groups = 0,  ///< wavefronts without bank conflicts
      wavefronts = 0,
                distinct_sectors = 0;  ///< each counted once in a block for reading and once for writing

  void add_global(const request& all, bool writes) {
    requests += all.empty() ? 0 : 1;
    const auto touched = all.sectors();
    sectors += touched.size();
    for (const std::uint64_t each : touched) of_block_.push_back(2 * each + (writes ? 1 : 0));
  }
  void end_block() {
    request::keep_distinct(of_block_);
    distinct_sectors += of_block_.size();
    of_block_.clear();
  }
  void add_shared(const request& all) {
    shared_groups += all.groups();
    wavefronts += all.wavefronts();
  }

 private:
  std::vector<std::uint64_t> of_block_;
};

}  // namespace pretext::tests::ptx
