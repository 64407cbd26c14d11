#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <new>

#include "emulated.hpp"

namespace pretext::tests {

/// The emulated GPU with memory that the host cannot access, like a real GPU's: any read or write outside
/// of kernels and copies crashes the program.
struct isolated_device {
  static constexpr bool is_accelerator = true, stores_compute_type = true;
  using loss_value = grid::deferred_loss<isolated_device>;

  /// The memory is accessible while such an object exists.
  class access {
   public:
    access() { protect(depth_++ == 0 ? PROT_READ | PROT_WRITE : -1); }
    access(const access&) = delete;
    access& operator=(const access&) = delete;
    ~access() { protect(--depth_ == 0 ? PROT_NONE : -1); }

   private:
    static void protect(int how) {
      if (how >= 0) mprotect(memory().first, memory().used, how);
    }
    static inline int depth_ = 0;
  };

  struct stream : emulated::stream {
    double take_loss() const {
      const access open;
      return emulated::stream::take_loss();
    }
  };

  static std::size_t& free_memory() { return emulated::free_memory(); }

  template <class T>
  static T* allocate(std::size_t count) {
    return filled<T>(count, 0);
  }
  template <class T>
  static T* allocate_undefined(std::size_t count) {
    return filled<T>(count, 0xFF);
  }
  template <class T>
  static void release(T*) {}  // tests are short
  template <class T>
  static void write(const stream& on, T* to, const T* host, std::size_t count) {
    const access open;
    emulated::write(on, to, host, count);
  }
  template <class T>
  static void read(const stream& on, T* host, const T* from, std::size_t count) {
    const access open;
    emulated::read(on, host, from, count);
  }
  template <class T>
  static void clear(const stream& on, T* data, std::size_t count) {
    const access open;
    emulated::clear(on, data, count);
  }

 private:
  /// Reserved addresses; pages are committed when they are first written.
  struct region {
    static constexpr std::size_t size = std::size_t{1} << 32;
    std::byte* first = static_cast<std::byte*>(
        mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    std::size_t used = 0;
  };
  static region& memory() {
    static region all;
    return all;
  }

  template <class T>
  static T* filled(std::size_t count, int byte) {
    if (count == 0) return nullptr;
    constexpr std::size_t page = 4096;
    region& all = memory();
    const std::size_t bytes = (count * sizeof(T) + page - 1) / page * page;
    if (all.first == MAP_FAILED || all.used + bytes > region::size) throw std::bad_alloc{};
    std::byte* const data = all.first + all.used;
    all.used += bytes;
    const access open;
    std::memset(data, byte, count * sizeof(T));
    return reinterpret_cast<T*>(data);
  }
};

template <class Kernel>
void launch(const isolated_device::stream& stream, std::size_t blocks, const Kernel& kernel) {
  const isolated_device::access open;
  launch(static_cast<const emulated::stream&>(stream), blocks, kernel);
}

}  // namespace pretext::tests

namespace pretext::grid {

/// Uses the emulated GPU's epilogues, so results are bit-identical.
template <>
struct fused_product<tests::isolated_device> {
  using mock = fused_product<tests::emulated>;
  template <class Context, class... Arguments>
  static bool add(Context& context, const Arguments&... all) {
    const tests::isolated_device::access open;
    return mock::add(context, all...);
  }
  template <class Context, class... Arguments>
  static bool sum_columns(Context& context, const Arguments&... all) {
    const tests::isolated_device::access open;
    return mock::sum_columns(context, all...);
  }
};

}  // namespace pretext::grid
