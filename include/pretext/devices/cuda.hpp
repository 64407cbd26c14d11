// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <cuda_runtime_api.h>
#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/devices/cuda/allocation.hpp>
#include <pretext/devices/cuda/cublaslt.hpp>
#include <pretext/devices/cuda/errors.hpp>
#include <pretext/devices/cuda/gpu_plans.hpp>
#include <pretext/devices/cuda/graph.hpp>
#include <pretext/devices/cuda/pinned_ring.hpp>
#include <pretext/devices/cuda/staging_copies.hpp>
#include <pretext/devices/device_memory.hpp>
#include <pretext/devices/grid/deferred_loss.hpp>

#ifdef PRETEXT_CUDNN
extern "C" std::size_t cudnnGetVersion();  // cuDNN's headers are not needed here
#endif

namespace pretext::inline v0_1 {

// PRETEXT_CUDNN decides which kernels::convolution<cuda_gpu> and attention<cuda_gpu> a file compiles. The
// namespace makes `cuda_gpu`, and every template over it, a different type for either choice: files of one
// program that disagree do not share code, and do not link where one calls the other. The symbol that the
// linker then misses contains "with_cudnn" or "without_cudnn".
#ifdef PRETEXT_CUDNN
inline namespace with_cudnn {
#else
inline namespace without_cudnn {
#endif

/// An NVIDIA GPU: CUDA's current device. Its kernels are in <pretext/cuda.cuh>; any compiler compiles this
/// header. Errors of CUDA throw std::runtime_error, lack of memory out_of_device_memory.
struct cuda_gpu {
  static constexpr bool is_accelerator = true, stores_compute_type = true;
  using default_numerics = bf16;
  using loss_value = grid::deferred_loss<cuda_gpu>;

  /// Why no GPU can be used; empty if one can.
  static std::string unavailable_reason() {
    int devices = 0;
    const cudaError_t error = cudaGetDeviceCount(&devices);
    if (error != cudaSuccess) return detail::message_for(error, "looking for a GPU");
    return devices == 0 ? cuda_failure::no_gpu() : std::string{};
  }

  /// Work that the GPU executes in order. CUDA is initialised by the first use. Copies share one stream,
  /// which one thread may use at a time.
  class stream {
   public:
    /// The CUDA stream itself.
    cudaStream_t native() const {
      if (!state_->opened) state_->open();
      return state_->native;
    }
    /// cuBLASLt with its workspace and the algorithms selected so far.
    detail::matrix_products& products() const { return state_->products; }
    /// Which proposals of cuBLASLt and cuDNN compute the operations on this stream, and whether they are
    /// timed.
    gpu_plans& plans() const { return state_->plans; }
    /// What the numbers of proposals depend on: "NVIDIA H200, cuBLASLt 130101, cuDNN 91900".
    std::string libraries() const {
      int device = 0;
      detail::expects_success(cudaGetDevice(&device), "reading the current GPU");
      cudaDeviceProp properties{};
      detail::expects_success(cudaGetDeviceProperties(&properties, device), "reading the GPU's name");
      std::string text = str_cat(properties.name, ", cuBLASLt ", cublasLtGetVersion());
#ifdef PRETEXT_CUDNN
      text += str_cat(", cuDNN ", cudnnGetVersion());
#endif
      return text;
    }
    /// The state of the library of kernels on this stream (cuDNN's plans), constructed by the first call.
    template <class Library>
    Library& library() const {
      if (!state_->library) state_->library = std::make_shared<Library>();
      return *static_cast<Library*>(state_->library.get());
    }

    /// The bytes of shared memory that one block can have on this GPU.
    std::size_t most_shared_memory() const {
      native();
      return state_->most_shared_memory;
    }
    /// The pinned memory for copies from the host.
    detail::pinned_ring<detail::cuda_copies>& sent() const { return state_->sent; }

    /// The address of the last step's loss in the device's memory. Optimizers change nothing while it is NaN
    /// or infinite.
    double* wait_loss() const {
      native();
      return state_->loss;
    }
    /// Waits for the stream and returns the loss. A loss that is NaN or infinite is then cleared: it has
    /// suppressed the update of its own step and must not suppress those of later steps.
    double take_loss() const {
      const cudaStream_t on = native();
      detail::expects_success(
          cudaMemcpyAsync(state_->host_loss, state_->loss, sizeof(double), cudaMemcpyDeviceToHost, on),
          "reading a loss");
      wait();
      const double value = *state_->host_loss;
      if (!detail::is_finite(value))
        detail::expects_success(cudaMemsetAsync(state_->loss, 0, sizeof(double), on), "clearing a loss");
      return value;
    }
    /// Is all work on the stream done? Does not wait.
    bool is_done() const {
      const cudaError_t found = cudaStreamQuery(native());
      if (found == cudaErrorNotReady) return cudaGetLastError(), false;  // or the next call would report it
      detail::expects_success(found, "waiting for a kernel");
      return true;
    }
    /// Waits for all work on the stream.
    void wait() const { detail::expects_success(cudaStreamSynchronize(native()), "waiting for a kernel"); }

   private:
    friend struct cuda_gpu;
    struct state {
      bool opened = false;
      cudaStream_t native = nullptr;
      cudaEvent_t reached = nullptr;                 // for `order`
      double *loss = nullptr, *host_loss = nullptr;  // host_loss is pinned
      std::size_t most_shared_memory = 0;
      gpu_plans plans;
      detail::matrix_products products{plans};
      std::shared_ptr<void> library;
      detail::pinned_ring<detail::cuda_copies> sent;

      state() = default;
      state(const state&) = delete;
      state& operator=(const state&) = delete;
      void open() {
        if (!native)  // a call that failed may have come so far
          detail::expects_success(cudaStreamCreateWithFlags(&native, cudaStreamNonBlocking),
                                  "opening a stream");
        int device = 0, bytes = 0;
        detail::expects_success(cudaGetDevice(&device), "reading the current GPU");
        detail::expects_success(
            cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
            "reading the size of shared memory");
        most_shared_memory = static_cast<std::size_t>(bytes);
        if (!loss) loss = allocate<double>(1);
        void* pinned = nullptr;
        detail::expects_success(cudaMallocHost(&pinned, sizeof(double)), "pinning host memory");
        host_loss = static_cast<double*>(pinned);
        opened = true;
      }
      ~state() {
        if (!native) return;
        cudaStreamSynchronize(native);
        products.close();
        library.reset();
        cudaFree(loss);
        cudaFreeHost(host_loss);
        if (reached) cudaEventDestroy(reached);
        cudaStreamDestroy(native);
      }
    };
    std::shared_ptr<state> state_ = std::make_shared<state>();
  };

  /// What is put on the stream `after` from now on runs after what is on `before`; while `before` is
  /// recorded, it belongs to the same recording.
  static void order(const stream& before, const stream& after) {
    const cudaStream_t first = before.native(), then = after.native();
    cudaEvent_t& reached = before.state_->reached;
    if (!reached)
      detail::expects_success(cudaEventCreateWithFlags(&reached, cudaEventDisableTiming),
                              "creating an event");
    detail::expects_success(cudaEventRecord(reached, first), "ordering two streams");
    detail::expects_success(cudaStreamWaitEvent(then, reached, 0), "ordering two streams");
  }

  /// Recorded work on a stream, which can be replayed with the same addresses and arguments.
  class recording {
   public:
    void replay(const stream& on) const { graph_.launch(on.native()); }

   private:
    friend struct cuda_gpu;
    explicit recording(detail::cuda_graph graph) : graph_{std::move(graph)} {}
    detail::cuda_graph graph_;
  };
  /// Records the work that `work()` puts on the stream, without executing it. Throws if the work waits, reads
  /// or allocates.
  template <class Work>
  static recording record(const stream& on, const Work& work) {
    return recording{detail::cuda_graph{on.native(), work}};
  }

  /// `count` elements, all zero. Throws out_of_device_memory.
  template <class T>
  static T* allocate(std::size_t count) {
    T* const memory = allocate_undefined<T>(count);
    if (count == 0) return nullptr;
    detail::expects_success(cudaMemset(memory, 0, count * sizeof(T)), "clearing device memory");
    detail::expects_success(cudaStreamSynchronize(nullptr), "clearing device memory");
    return memory;
  }
  /// The same without clearing it.
  template <class T>
  static T* allocate_undefined(std::size_t count) {
    if (count == 0) return nullptr;
    return static_cast<T*>(detail::device_malloc(count * sizeof(T)));
  }
  /// Bytes that can still be allocated.
  static std::size_t free_memory() {
    std::size_t free = 0, total = 0;
    detail::expects_success(cudaMemGetInfo(&free, &total), "reading the free memory");
    return free;
  }
  /// Waits for kernels that may still use the memory; steps never release memory.
  template <class T>
  static void release(T* data) {
    if (!data) return;
    cudaDeviceSynchronize();
    cudaFree(data);
  }
  /// Does not wait for the stream. The host may change its elements as soon as this returns, if they are in
  /// ordinary memory. Such a copy must not be recorded, because each replay would read the host's memory
  /// again.
  template <class T>
  static void write(const stream& on, T* to, const T* host, std::size_t count) {
    if (count == 0) return;
    cudaStreamCaptureStatus recording = cudaStreamCaptureStatusNone;
    detail::expects_success(cudaStreamIsCapturing(on.native(), &recording),
                            "checking whether the stream is recorded");
    if (recording != cudaStreamCaptureStatusNone)
      throw_error<std::logic_error>("a recorded step must not copy from the host's memory");
    on.sent().send(on.native(), to, host, count * sizeof(T));
  }
  /// Waits for the elements.
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

}  // namespace pretext::inline v0_1
