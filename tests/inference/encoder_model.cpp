#include "cuda/device_pair.hpp"
#include "cuda/isolated_device.hpp"

#include <concepts>
#include <type_traits>
#include <utility>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/inference/inference_context.hpp>
#include <pretext/kernels/gpu/operations.hpp>

#include "support/some_trainings.hpp"

using namespace pretext;
using tests::isolated_device;
using tests::pictures;
using tests::tiny_images;

namespace {

using network = tests::thin_trunk<basic_block, 4>;
template <class Context>
using model_on = encoder_model<network, tiny_images, Context>;

static_assert(!std::copy_constructible<model_on<on<cpu>>> && std::move_constructible<model_on<on<cpu>>>);
static_assert(model_on<on<cpu>>::feature_size == 8);
static_assert(!std::constructible_from<inference_context<network, tiny_images, on<cpu>>, model_on<on<cpu>>>,
              "a context does not take a temporary model");

safetensors trained_file() {
  trainer<simclr<tiny_images, network>, on<cpu>, sgd> learner;
  safetensors file;
  write_encoder_info(info_of<network, tiny_images>({.normalisation = {}}), file);
  append_torch_tensors<float>(parameters_of<network, tiny_images>, learner.memory().value.data(), "", file);
  return file;
}

template <class Context>
tests::results features_on(const safetensors& file) {
  const model_on<Context> model{file};
  inference_context context{model, typename Context::device::stream{}, 2};
  const auto found = context.encode(pictures(5).views);
  return {std::vector<double>(found.begin(), found.end())};
}

}  // namespace

TEST_CASE("a model on a device whose memory the host cannot reach computes the CPU's features") {
  const safetensors file = trained_file();
  const auto expected = features_on<on<cpu>>(file);
  REQUIRE(expected[0].size() == 5 * 8);
  tests::all_near(features_on<on<isolated_device, fp32>>(file), expected, 1e-5);
  tests::all_near(features_on<on<isolated_device, bf16>>(file), expected, 3e-2);
}

TEST_CASE("a model that is moved keeps its weights and its preprocessing") {
  const safetensors file = trained_file();
  model_on<on<cpu>> first{file};
  const model_on<on<cpu>> second{std::move(first)};
  CHECK(second.preprocessing() == preprocessing{.normalisation = {}});
  CHECK(second.parameters().size() == parameters_of<network, tiny_images>.size());
  inference_context context{second};
  const auto found = context.encode(pictures(5).views);
  CHECK(tests::results{std::vector<double>(found.begin(), found.end())} == features_on<on<cpu>>(file));
}
