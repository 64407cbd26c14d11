#pragma once
#include <cmath>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <cuda_runtime_api.h>
#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/devices/cuda/cublaslt.hpp>
#include <pretext/devices/cuda/errors.hpp>
#include <pretext/devices/cuda/graph.hpp>
#include <pretext/devices/cuda/pinned_ring.hpp>
#include <pretext/devices/cuda/staging_copies.hpp>
#include <pretext/devices/device_memory.hpp>
#include <pretext/devices/grid/deferred_loss.hpp>

namespace pretext {

// PRETEXT_CUDNN decides which kernels::convolution<cuda> a file compiles. The namespace makes `cuda`, and
// every template over it, a different type for either choice: files of one program that disagree do not share
// code, and do not link where one calls the other. The symbol that the linker then misses contains
// "with_cudnn" or "without_cudnn".
#ifdef PRETEXT_CUDNN
inline namespace with_cudnn {
#else
inline namespace without_cudnn {
#endif

/// An NVIDIA GPU: the one that CUDA calls current. Kernels for it are in <pretext/cuda.cuh>; this header is
/// for any compiler. Everything that cannot be done throws std::runtime_error with a sentence.
struct cuda {
  static constexpr bool is_accelerator = true, stores_compute_type = true;
  using default_numerics = bf16;
  using loss_value = grid::deferred_loss<cuda>;

  /// Why there is nothing to run on; empty where a GPU can be used.
  static std::string unavailable_reason() {
    int devices = 0;
    const cudaError_t error = cudaGetDeviceCount(&devices);
    if (error != cudaSuccess) return detail::message_for(error, "looking for a GPU");
    return devices == 0 ? cuda_failure::no_gpu() : std::string{};
  }

  /// Work in order on the GPU. Nothing is asked of CUDA before the first work; copies share one stream.
  class stream {
   public:
    /// The CUDA stream itself.
    cudaStream_t native() const {
      if (!state_->opened) state_->open();
      return state_->native;
    }
    /// cuBLASLt with its workspace and the algorithms it has chosen.
    detail::matrix_products& products() const { return state_->products; }
    /// What a library that makes convolutions keeps with the stream, made when it is first asked for.
    template <class Plans>
    Plans& convolutions() const {
      if (!state_->convolutions) state_->convolutions = std::make_shared<Plans>();
      return *static_cast<Plans*>(state_->convolutions.get());
    }

    /// How many bytes a block of threads can share on this GPU.
    std::size_t most_shared_memory() const {
      native();
      return state_->most_shared_memory;
    }
    /// What the host has sent and the device has not taken yet.
    detail::pinned_ring<detail::cuda_copies>& sent() const { return state_->sent; }

    /// Where the device keeps the loss of the last step: updates are held back while it is not a number.
    double* wait_loss() const {
      native();
      return state_->loss;
    }
    /// Waits; the settled loss. One that is not a number is taken back: it held its own step back and must
    /// not hold back others.
    double take_loss() const {
      const cudaStream_t on = native();
      detail::expects_success(
          cudaMemcpyAsync(state_->host_loss, state_->loss, sizeof(double), cudaMemcpyDeviceToHost, on),
          "reading a loss");
      wait();
      const double value = *state_->host_loss;
      if (!std::isfinite(value))
        detail::expects_success(cudaMemsetAsync(state_->loss, 0, sizeof(double), on), "clearing a loss");
      return value;
    }
    /// Until everything that was asked for is done.
    void wait() const { detail::expects_success(cudaStreamSynchronize(native()), "waiting for a kernel"); }

   private:
    struct state {
      bool opened = false;
      cudaStream_t native = nullptr;
      double *loss = nullptr, *host_loss = nullptr;  // host_loss is pinned
      std::size_t most_shared_memory = 0;
      detail::matrix_products products;
      std::shared_ptr<void> convolutions;
      detail::pinned_ring<detail::cuda_copies> sent;

      state() = default;
      state(const state&) = delete;
      state& operator=(const state&) = delete;
      void open() {
        detail::expects_success(cudaStreamCreateWithFlags(&native, cudaStreamNonBlocking),
                                "opening a stream");
        opened = true;
        int device = 0, bytes = 0;
        detail::expects_success(cudaGetDevice(&device), "asking for the current GPU");
        detail::expects_success(
            cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
            "asking for the size of shared memory");
        most_shared_memory = static_cast<std::size_t>(bytes);
        loss = allocate<double>(1);
        void* pinned = nullptr;
        detail::expects_success(cudaMallocHost(&pinned, sizeof(double)), "pinning host memory");
        host_loss = static_cast<double*>(pinned);
      }
      ~state() {
        if (!opened) return;
        cudaStreamSynchronize(native);
        products.close();
        convolutions.reset();
        cudaFree(loss);
        cudaFreeHost(host_loss);
        cudaStreamDestroy(native);
      }
    };
    std::shared_ptr<state> state_ = std::make_shared<state>();
  };

  /// What some work put on a stream, to be done again: the same addresses, the same numbers.
  class recording {
   public:
    void replay(const stream& on) const { graph_.launch(on.native()); }

   private:
    friend struct cuda;
    explicit recording(detail::cuda_graph graph) : graph_{std::move(graph)} {}
    detail::cuda_graph graph_;
  };
  /// Records what `work` puts on the stream, without doing it. Work that waits, reads or allocates is
  /// refused.
  template <class Work>
  static recording record(const stream& on, const Work& work) {
    return recording{detail::cuda_graph{on.native(), work}};
  }

  /// Zero at first. Throws out_of_device_memory.
  template <class T>
  static T* allocate(std::size_t count) {
    T* const memory = allocate_undefined<T>(count);
    if (count == 0) return nullptr;
    detail::expects_success(cudaMemset(memory, 0, count * sizeof(T)), "clearing device memory");
    detail::expects_success(cudaStreamSynchronize(nullptr), "clearing device memory");
    return memory;
  }
  template <class T>
  static T* allocate_undefined(std::size_t count) {
    if (count == 0) return nullptr;
    void* memory = nullptr;
    const std::size_t bytes = count * sizeof(T);
    const cudaError_t error = cudaMalloc(&memory, bytes);
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // it is not to be met again by the next call
      std::size_t free = 0, total = 0;
      cudaMemGetInfo(&free, &total);
      throw out_of_device_memory{bytes, free, total};
    }
    detail::expects_success(error, "allocating device memory");
    return static_cast<T*>(memory);
  }
  /// Bytes that may still be asked for.
  static std::size_t free_memory() {
    std::size_t free = 0, total = 0;
    detail::expects_success(cudaMemGetInfo(&free, &total), "asking for free memory");
    return free;
  }
  /// Waits for kernels that may still use the memory: the end of a buffer is never part of a step.
  template <class T>
  static void release(T* data) {
    if (!data) return;
    cudaDeviceSynchronize();
    cudaFree(data);
  }
  /// Waits for nothing, and the host's numbers may change as soon as this returns, if they lie in ordinary
  /// memory: hence no such copy is ever recorded, which would read them again whenever it is repeated.
  template <class T>
  static void write(const stream& on, T* to, const T* host, std::size_t count) {
    if (count == 0) return;
    cudaStreamCaptureStatus recording = cudaStreamCaptureStatusNone;
    detail::expects_success(cudaStreamIsCapturing(on.native(), &recording), "asking who records");
    if (recording != cudaStreamCaptureStatusNone)
      throw_error<std::logic_error>("a step that is recorded must not copy numbers of the host's");
    on.sent().send(on.native(), to, host, count * sizeof(T));
  }
  /// Waits for the numbers.
  template <class T>
  static void read(const stream& on, T* host, const T* from, std::size_t count) {
    if (count == 0) return;
    detail::expects_success(
        cudaMemcpyAsync(host, from, count * sizeof(T), cudaMemcpyDeviceToHost, on.native()),
        "reading from the device");
    on.wait();
  }
  template <class T>
  static void clear(const stream& on, T* data, std::size_t count) {
    if (count > 0)
      detail::expects_success(cudaMemsetAsync(data, 0, count * sizeof(T), on.native()), "clearing memory");
  }
};

}  // inline namespace

}  // namespace pretext
