// The C interface that compare.py calls through ctypes. Each function's result tells whether it succeeded;
// gpu_error returns the message of the last failure.
#include <cstring>
#include <exception>
#include <string>

#include <pretext/io/safetensors.hpp>
#include <pretext/io/torch_weights.hpp>

#include "timed_work.hpp"

using namespace benchmarks;

namespace {

std::string& error_message() {
  static std::string text;
  return text;
}

/// Returns call(), or `otherwise` if it throws; stores the message.
template <class Result, class Call>
Result guarded(Result otherwise, const Call& call) {
  try {
    error_message().clear();
    return call();
  } catch (const std::exception& error) {
    error_message() = error.what();
    return otherwise;
  }
}

/// An instance of a case, and the step that PyTorch repeats.
struct instance {
  std::unique_ptr<timed_work> work;
  step_to_check checked;
};

}  // namespace

extern "C" {

const char* gpu_error() { return error_message().c_str(); }

/// 1 if a GPU can be used.
int gpu_found() {
  error_message() = pretext::cuda_gpu::unavailable_reason();
  return error_message().empty();
}

/// What computes convolutions.
const char* gpu_convolutions() {
  static const std::string library = convolution_library();
  return library.c_str();
}

/// The name of the i-th case, null after the last; sets `batch` to its default.
const char* gpu_case(std::size_t i, std::size_t* batch) {
  if (i >= all_cases().size()) return nullptr;
  *batch = all_cases()[i].batch;
  return all_cases()[i].name;
}

instance* gpu_open(const char* name, std::size_t batch) {
  return guarded<instance*>(nullptr, [&] {
    for (const benchmark_case& c : all_cases())
      if (std::strcmp(c.name, name) == 0) {
        auto* const opened = new instance{c.make(batch ? batch : c.batch), {}};
        opened->work->stream().plans().timed = true;  // as PyTorch's cudnn.benchmark
        return opened;
      }
    pretext::throw_error("there is no case ", name);
  });
}
void gpu_close(instance* one) { delete one; }

/// Average milliseconds of `times` runs; negative on failure.
double gpu_time(instance* one, int times) {
  return guarded(-1., [&] { return milliseconds_of(*one->work, times); });
}

/// Runs a step without an update and writes the weights to a file with torch's names. Returns 1, and sets the
/// element counts of the views and of `restore`, the permutation of the patches.
int gpu_check(instance* one, const char* weights, double* loss, std::size_t* views, std::size_t* restored) {
  return guarded(0, [&] {
    one->checked = one->work->check();
    pretext::safetensors file;
    pretext::append_torch_tensors<float>(one->checked.table, one->checked.values.data(), "", file);
    pretext::write_safetensors(weights, file);
    *loss = one->checked.loss;
    *views = one->checked.views.size();
    *restored = one->checked.restore.size();
    return 1;
  });
}
const float* gpu_views(const instance* one) { return one->checked.views.data(); }
const std::uint32_t* gpu_restore(const instance* one) { return one->checked.restore.data(); }
}
