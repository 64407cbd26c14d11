#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/devices/grid/deferred_loss.hpp>
#include <pretext/devices/grid/tiles.hpp>

#include "emulated_warp.hpp"

namespace pretext::tests {

/// A GPU emulated on the CPU: it runs the kernels of kernels/gpu unchanged, one block after another and
/// within a block one thread after another, forwards or backwards. A kernel's results must not depend on
/// that order, and memory that has not been written is poisoned with NaN. This checks a kernel's
/// arithmetic, indices and barriers, but nothing that only a real GPU adds: its compiler, caches and speed.
struct emulated {
  static constexpr bool is_accelerator = true, stores_compute_type = true;
  using default_numerics = bf16;
  using loss_value = grid::deferred_loss<emulated>;

  class recording;
  struct stream {
    bool backwards = false;
    std::shared_ptr<recording*> recorder = std::make_shared<recording*>(nullptr);  ///< what records it now
    std::size_t max_shared = 227 << 10;  ///< bytes per block, as on Hopper
    std::shared_ptr<double> loss = std::make_shared<double>(0);

    std::size_t most_shared_memory() const { return max_shared; }
    double* wait_loss() const { return loss.get(); }
    double take_loss() const {
      refuse("waits for a loss");
      const double value = *loss;
      if (!std::isfinite(value)) *loss = 0;
      return value;
    }
  };

  /// A recorded step: a list of kernels with the parameters that they had. Like a CUDA graph it contains no
  /// host code; while recording, any call that a graph cannot hold is an error.
  class recording {
   public:
    /// Poisons again what was allocated uninitialized: a step must not depend on leftovers of the one
    /// before.
    void replay(const stream&) const {
      for (const auto* blocks : undefined_)
        for (const auto& [memory, bytes] : *blocks) std::memset(memory, 0xFF, bytes);
      for (const auto& kernel : work_) kernel();
    }

   private:
    friend struct emulated;
    std::vector<std::function<void()>> work_;
    std::set<const std::map<void*, std::size_t>*> undefined_;  // of the threads that have added work
    std::string refused_;
  };
  template <class Work>
  static recording record(const stream& on, const Work& work) {
    recording recorded;
    *on.recorder = open_recording() = &recorded;
    try {
      work();
    } catch (...) {
      *on.recorder = open_recording() = nullptr;
      throw;
    }
    *on.recorder = open_recording() = nullptr;
    if (!recorded.refused_.empty()) throw std::logic_error{"a recorded step " + recorded.refused_};
    return recorded;
  }
  /// Runs the work now, or appends it to the open recording of the stream.
  template <class Work>
  static void perform(const stream& on, const Work& work) {
    if (!*on.recorder) return work();
    (*on.recorder)->work_.push_back(work);
    (*on.recorder)->undefined_.insert(&undefined());
  }
  /// Work runs when it is put on a stream. While the stream `before` is recorded, `after` is, too.
  static void order(const stream& before, const stream& after) {
    *after.recorder = open_recording() = *before.recorder;
  }

  /// How often this thread has allocated memory.
  static std::size_t& allocations() {
    static thread_local std::size_t count = 0;
    return count;
  }

  /// The free memory that the device reports; tests may change it.
  static std::size_t& free_memory() {
    static std::size_t bytes = std::size_t{1} << 30;
    return bytes;
  }

  template <class T>
  static T* allocate(std::size_t count) {
    return filled<T>(count, 0);
  }
  template <class T>
  static T* allocate_undefined(std::size_t count) {
    T* const data = filled<T>(count, 0xFF);
    if (data) undefined().emplace(data, count * sizeof(T));
    return data;
  }
  template <class T>
  static void release(T* data) {
    if (!data) return;
    refuse("releases memory");
    undefined().erase(data);
    ::operator delete[](data, std::align_val_t{64});
  }
  template <class T>
  static void write(const stream&, T* to, const T* host, std::size_t count) {
    refuse("copies from the host");
    std::copy_n(host, count, to);
  }
  template <class T>
  static void read(const stream&, T* host, const T* from, std::size_t count) {
    refuse("reads a result");
    std::copy_n(from, count, host);
  }
  template <class T>
  static void clear(const stream& on, T* data, std::size_t count) {
    perform(on, [=] { std::fill_n(data, count, T{}); });
  }

 private:
  /// The recording of this thread, for calls without a stream.
  static recording*& open_recording() {
    static thread_local recording* open = nullptr;
    return open;
  }
  /// Blocks that this thread has allocated uninitialized, and their bytes.
  static std::map<void*, std::size_t>& undefined() {
    static thread_local std::map<void*, std::size_t> all;
    return all;
  }
  /// Noted rather than thrown, because memory is also released in destructors.
  static void refuse(const char* what) {
    if (open_recording()) open_recording()->refused_ = what;
  }
  template <class T>
  static T* filled(std::size_t count, int byte) {
    if (count == 0) return nullptr;
    refuse("allocates");
    ++allocations();
    void* memory = ::operator new[](count * sizeof(T), std::align_val_t{64});
    std::memset(memory, byte, count * sizeof(T));
    return static_cast<T*>(memory);
  }
};

/// A block that runs its threads one after another.
template <class Kernel>
class emulated_block {
 public:
  emulated_block(std::size_t index, std::size_t count, bool backwards, std::size_t dynamic_floats)
      : index_{index},
        count_{count},
        backwards_{backwards},
        dynamic_(dynamic_floats, std::numeric_limits<float>::quiet_NaN()) {
    std::memset(static_cast<void*>(shared_.get()), 0xFF,
                sizeof(typename Kernel::shared));  // all bits set: NaN
  }

  std::size_t index() const { return index_; }
  std::size_t count() const { return count_; }
  auto& shared() { return *shared_; }
  float* dynamic_shared() { return dynamic_.data(); }

  template <class Work>
  void for_each_thread(const Work& work) {
    for (unsigned i = 0; i < Kernel::threads; ++i) work(backwards_ ? Kernel::threads - 1 - i : i);
  }

  template <class Work>
  void without_barrier(const Work& work) {
    for_each_thread(work);
  }

  template <class T>
  class per_thread {
   public:
    T& operator[](unsigned thread) { return of_[thread]; }

   private:
    std::unique_ptr<T[]> of_ = std::make_unique<T[]>(Kernel::threads);
  };

  /// In the order of additions that a GPU has.
  template <class T>
  void sum_in_warps(per_thread<T>& sums) {
    for_each_warp([&](const emulated_warp& each) {
      each.combine<32>(each.lanes_of(sums), [](T a, T b) { return a + b; });
    });
  }

  using warp = emulated_warp;
  template <class Work>
  void for_each_warp(const Work& work) {
    static_assert(Kernel::threads % 32 == 0);
    constexpr unsigned warps = Kernel::threads / 32;
    for (unsigned i = 0; i < warps; ++i) work(warp{backwards_ ? warps - 1 - i : i, backwards_});
  }

  /// Copies nothing before `finish_copies`, so that a kernel that does not wait finds NaN.
  void copy_later(bfloat16* to, const bfloat16* from, bool exists) {
    if (!grid::is_aligned(to) || (exists && !grid::is_aligned(from)))
      throw std::logic_error{"a copy of 16 bytes is not aligned to them"};
    copies_.push_back({to, exists ? from : nullptr});
  }
  void finish_copies() {
    for (const auto& [to, from] : std::exchange(copies_, {}))
      for (unsigned k = 0; k < 8; ++k) to[k] = from ? from[k] : bfloat16{};
  }

  /// Tensor cores emulated with float arithmetic.
  template <unsigned M, unsigned N>
  class tile_sums {
   public:
    template <class A, class B, class Limits = grid::whole_product>
    void add(const A& a, const B& b, Limits limits = {}) {
      static_assert(A::rows == M && B::columns == N && A::columns == B::rows);
      std::vector<float> right(A::columns * N);
      for (unsigned k = 0; k < A::columns; ++k)
        for (unsigned j = 0; j < N; ++j) right[k * N + j] = static_cast<float>(b.at(k, j));
      for (unsigned i = 0; i < M; ++i)
        for (unsigned k = 0; k < A::columns; ++k) {
          if (!limits.has_row(square(i)) || !limits.has_depth(square(k))) continue;
          const auto left = static_cast<float>(a.at(i, k));
          for (unsigned j = 0; j < N; ++j)
            if (limits.has_column(square(j))) sums_[i * N + j] += left * right[k * N + j];
        }
    }
    template <unsigned Tiles, class Work, class Limits = grid::whole_product>
    void visit(const grid::sums_staging<Kernel::threads, Tiles>&, const Work& work,
               Limits limits = {}) const {
      for_each_chunk(limits, [&](unsigned at) { work(at / N, at % N, &sums_[at]); });
    }
    template <class Work, class Limits = grid::whole_product>
    void visit_pair(const tile_sums& other, const grid::sums_staging<Kernel::threads, 2>&, const Work& work,
                    Limits limits = {}) const {
      for_each_chunk(limits, [&](unsigned at) { work(at / N, at % N, &sums_[at], &other.sums_[at]); });
    }

   private:
    /// Tensor cores work on 16×16 squares.
    static constexpr unsigned square(unsigned i) { return i / 16 * 16; }
    template <class Limits, class Work>
    static void for_each_chunk(Limits limits, const Work& work) {
      for (unsigned at = 0; at < M * N; at += 8)
        if (limits.has_row(square(at / N)) && limits.has_column(square(at % N))) work(at);
    }

    std::vector<float> sums_ = std::vector<float>(M * N);
  };

 private:
  std::size_t index_, count_;
  bool backwards_;
  std::unique_ptr<typename Kernel::shared> shared_{new typename Kernel::shared};
  std::vector<float> dynamic_;
  std::vector<std::pair<bfloat16*, const bfloat16*>> copies_;  // started, not complete
};

template <class Kernel>
void launch(const emulated::stream& stream, std::size_t blocks, const Kernel& kernel) {
  static_assert(std::is_trivially_copyable_v<Kernel>, "a kernel is copied to the device as it is");
  static_assert(sizeof(Kernel) <= 4096, "kernel parameters are limited to 4 KB");
  if (grid::shared_bytes(kernel) > stream.most_shared_memory())
    throw std::logic_error{"a block needs more shared memory than the device has"};
  std::size_t dynamic_floats = 0;
  if constexpr (grid::has_dynamic_shared<Kernel>) dynamic_floats = kernel.dynamic_shared();
  emulated::perform(stream, [blocks, backwards = stream.backwards, dynamic_floats, kernel] {
    for (std::size_t i = 0; i < blocks; ++i) {
      emulated_block<Kernel> block{backwards ? blocks - 1 - i : i, blocks, backwards, dynamic_floats};
      kernel(block);
    }
  });
}

}  // namespace pretext::tests

#include "fused_products.hpp"
