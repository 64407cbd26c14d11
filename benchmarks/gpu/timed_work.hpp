#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <pretext/core/parameter.hpp>
#include <pretext/devices/cuda.hpp>

namespace benchmarks {

/// What a peer needs to calculate the loss of one of our steps.
struct step_to_check {
  std::span<const pretext::parameter> table;
  std::vector<float> values;           ///< weights before the step, as the table says
  std::vector<float> views;            ///< (n, H, W, 3)
  std::vector<std::uint32_t> restore;  ///< (images, places) of a masked method: where each patch stands
  double loss = 0;
};

/// Work that a GPU does again and again.
class timed_work {
 public:
  timed_work() = default;
  timed_work(const timed_work&) = delete;
  timed_work& operator=(const timed_work&) = delete;
  virtual ~timed_work() = default;

  virtual const pretext::cuda::stream& stream() const = 0;
  /// Puts it on the stream so many times.
  virtual void run(int times) = 0;
  /// Waits for all of it; throws what went wrong.
  virtual void finish() = 0;
  /// A step without an update. Throws for work that has no weights.
  virtual step_to_check check();
};

/// Milliseconds of one of so many runs in a row, by CUDA's events.
double milliseconds_of(timed_work& work, int times);

/// A case that this library was compiled with, and how many images it takes unless told.
struct offered_work {
  const char* name;
  std::size_t batch;
  std::unique_ptr<timed_work> (*make)(std::size_t batch);
};
std::span<const offered_work> all_work();

// Each in a file of its own, which CUDA's compiler takes a minute for.
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
