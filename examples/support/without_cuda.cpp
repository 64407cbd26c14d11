// Programs that no CUDA compiler was there for.
#include "on_gpu.hpp"

namespace programs {

using namespace pretext;

void expects_gpu() {
  throw_error<std::runtime_error>(
      "this program was built without CUDA, so --device cuda has nothing to run on; install the CUDA toolkit "
      "(12 or newer, nvcc on the PATH), configure the build anew with cmake -DPRETEXT_CUDA=ON, and build");
}

std::unique_ptr<any_trainer> make_simclr_on_gpu(const recipe&) {
  expects_gpu();
  return {};
}
std::unique_ptr<any_trainer> make_byol_on_gpu(const recipe&) {
  expects_gpu();
  return {};
}
std::unique_ptr<any_trainer> make_mae_on_gpu(const recipe&) {
  expects_gpu();
  return {};
}
std::unique_ptr<any_classifier> make_classifier_on_gpu(const recipe&, std::size_t) {
  expects_gpu();
  return {};
}
std::unique_ptr<any_encoder> make_encoder_on_gpu(const recipe&) {
  expects_gpu();
  return {};
}

}  // namespace programs
