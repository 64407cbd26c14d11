// What compare.py calls: every function says with its result whether it went well, and gpu_said what went
// wrong.
#include <cstring>
#include <exception>
#include <string>

#include <pretext/io/safetensors.hpp>
#include <pretext/io/torch_weights.hpp>

#include "timed_work.hpp"

using namespace benchmarks;

namespace {

std::string& said() {
  static std::string text;
  return text;
}

/// `call()`, or `otherwise` where it throws.
template <class Result, class Call>
Result guarded(Result otherwise, const Call& call) {
  try {
    said().clear();
    return call();
  } catch (const std::exception& error) {
    said() = error.what();
    return otherwise;
  }
}

/// A case at work, and the step that a peer repeats.
struct opened {
  std::unique_ptr<timed_work> work;
  step_to_check checked;
};

}  // namespace

extern "C" {

const char* gpu_said() { return said().c_str(); }

/// 1 where a GPU can be used.
int gpu_found() {
  said() = pretext::cuda::unavailable_reason();
  return said().empty();
}

/// The name of case number i, null after the last; `batch` is its usual one.
const char* gpu_case(std::size_t i, std::size_t* batch) {
  if (i >= all_work().size()) return nullptr;
  *batch = all_work()[i].batch;
  return all_work()[i].name;
}

opened* gpu_open(const char* name, std::size_t batch) {
  return guarded<opened*>(nullptr, [&] {
    for (const offered_work& one : all_work())
      if (std::strcmp(one.name, name) == 0) return new opened{one.make(batch ? batch : one.batch), {}};
    pretext::throw_error("there is no case ", name);
  });
}
void gpu_close(opened* one) { delete one; }

/// Milliseconds of one of so many runs; negative where it went wrong.
double gpu_time(opened* one, int times) {
  return guarded(-1., [&] { return milliseconds_of(*one->work, times); });
}

/// Takes a step without an update and writes the weights to a file, in torch's names. Returns 1, and how many
/// numbers the views and the places of masked patches are.
int gpu_check(opened* one, const char* weights, double* loss, std::size_t* views, std::size_t* places) {
  return guarded(0, [&] {
    one->checked = one->work->check();
    pretext::safetensors file;
    pretext::append_torch_tensors<float>(one->checked.table, one->checked.values.data(), "", file);
    pretext::write_safetensors(weights, file);
    *loss = one->checked.loss;
    *views = one->checked.views.size();
    *places = one->checked.restore.size();
    return 1;
  });
}
const float* gpu_views(const opened* one) { return one->checked.views.data(); }
const std::uint32_t* gpu_restore(const opened* one) { return one->checked.restore.data(); }
}
