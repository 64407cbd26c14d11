#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <pretext/core/parameter.hpp>
#include <pretext/devices/cuda.hpp>

namespace benchmarks {

/// What PyTorch needs to compute the loss of one of our steps.
struct step_to_check {
  std::span<const pretext::parameter> table;
  std::vector<float> values;           ///< weights before the step, laid out as in `table`
  std::vector<float> views;            ///< (n, H, W, 3)
  std::vector<std::uint32_t> restore;  ///< (images, patches) of a masked method: the rank of each patch
  double loss = 0;
};

/// GPU work that is repeated and timed.
class timed_work {
 public:
  timed_work() = default;
  timed_work(const timed_work&) = delete;
  timed_work& operator=(const timed_work&) = delete;
  virtual ~timed_work() = default;

  virtual const pretext::cuda_gpu::stream& stream() const = 0;
  /// Enqueues it `times` times.
  virtual void run(int times) = 0;
  /// Waits until all of it has finished; throws on errors.
  virtual void finish() = 0;
  /// Runs a step without an update. Throws for work that has no weights, or whose
  /// views have several sizes.
  virtual step_to_check check();
};

/// Average milliseconds of `times` consecutive runs, measured by CUDA events.
double milliseconds_of(timed_work& work, int times);

/// What computes convolutions: "cuDNN 9.19.0" or "our own", which is slower.
std::string convolution_library();

/// A case of the benchmark and its default batch size.
struct benchmark_case {
  const char* name;
  std::size_t batch;
  std::unique_ptr<timed_work> (*make)(std::size_t batch);
};
std::span<const benchmark_case> all_cases();

// Whole steps have one file each, because nvcc needs up to a minute for them.
std::unique_ptr<timed_work> simclr_resnet18(std::size_t batch);
std::unique_ptr<timed_work> simclr_resnet50(std::size_t batch);
std::unique_ptr<timed_work> mae_vit_base(std::size_t batch);
std::unique_ptr<timed_work> mae_vit_large(std::size_t batch);
std::unique_ptr<timed_work> augment_32(std::size_t batch);
std::unique_ptr<timed_work> augment_224(std::size_t batch);
std::unique_ptr<timed_work> nt_xent(std::size_t rows);
std::unique_ptr<timed_work> lars_and_average(std::size_t);
std::unique_ptr<timed_work> attention(std::size_t batch);

}  // namespace benchmarks
