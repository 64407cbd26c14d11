#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include <pretext/core/on.hpp>
#include <pretext/devices/deferred_loss.hpp>

namespace pretext::tests {

/// A GPU played by the CPU: the kernels of kernels/cuda run as they are, blocks one after another and in each
/// of them threads one after another, forwards or backwards. What a kernel computes must not depend on that
/// order; memory that nobody has written is poison. It shows that a kernel's arithmetic, its indices and its
/// barriers are right; nothing of what a real GPU adds to that: compilers, caches, speed.
struct emulated {
  static constexpr bool runs_grids = true, stores_factors = true;
  using usual_numerics = bf16;
  using loss_value = grid::deferred_loss<emulated>;

  struct stream {
    bool backwards = false;
    std::shared_ptr<double> loss = std::make_shared<double>(0);

    double* settled_loss() const { return loss.get(); }
    double take_settled_loss() const {
      const double value = *loss;
      if (!std::isfinite(value)) *loss = 0;
      return value;
    }
  };

  /// How often memory was asked for.
  static std::size_t& allocations() {
    static std::size_t count = 0;
    return count;
  }

  template <class T>
  static T* allocate(std::size_t count) {
    return filled<T>(count, 0);
  }
  template <class T>
  static T* allocate_undefined(std::size_t count) {
    return filled<T>(count, 0xFF);
  }
  template <class T>
  static void release(T* data) {
    ::operator delete[](data, std::align_val_t{64});
  }
  template <class T>
  static void write(const stream&, T* to, const T* host, std::size_t count) {
    std::copy_n(host, count, to);
  }
  template <class T>
  static void read(const stream&, T* host, const T* from, std::size_t count) {
    std::copy_n(from, count, host);
  }
  template <class T>
  static void clear(const stream&, T* data, std::size_t count) {
    std::fill_n(data, count, T{});
  }

 private:
  template <class T>
  static T* filled(std::size_t count, int byte) {
    if (count == 0) return nullptr;
    ++allocations();
    void* memory = ::operator new[](count * sizeof(T), std::align_val_t{64});
    std::memset(memory, byte, count * sizeof(T));
    return static_cast<T*>(memory);
  }
};

/// A block whose threads take turns.
template <class Kernel>
class emulated_block {
 public:
  emulated_block(std::size_t index, std::size_t count, bool backwards)
      : index_{index}, count_{count}, backwards_{backwards} {
    std::memset(static_cast<void*>(shared_.get()), 0xFF, sizeof(typename Kernel::shared));  // NaN everywhere
  }

  std::size_t index() const { return index_; }
  std::size_t count() const { return count_; }
  auto& shared() { return *shared_; }

  template <class Work>
  void each(const Work& work) {
    for (unsigned i = 0; i < Kernel::threads; ++i) work(backwards_ ? Kernel::threads - 1 - i : i);
  }

  template <class T>
  class own {
   public:
    T& operator[](unsigned thread) { return of_[thread]; }

   private:
    std::unique_ptr<T[]> of_ = std::make_unique<T[]>(Kernel::threads);
  };

 private:
  std::size_t index_, count_;
  bool backwards_;
  std::unique_ptr<typename Kernel::shared> shared_{new typename Kernel::shared};
};

template <class Kernel>
void launch(const emulated::stream& stream, std::size_t blocks, const Kernel& kernel) {
  static_assert(std::is_trivially_copyable_v<Kernel>, "a kernel is copied to the device as it is");
  static_assert(sizeof(Kernel) <= 4096, "a kernel's numbers fit where a GPU takes parameters");
  for (std::size_t i = 0; i < blocks; ++i) {
    emulated_block<Kernel> block{stream.backwards ? blocks - 1 - i : i, blocks, stream.backwards};
    kernel(block);
  }
}

}  // namespace pretext::tests
