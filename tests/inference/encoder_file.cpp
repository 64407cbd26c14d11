#include <pretext/inference/encoder_file.hpp>

#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/cpu.hpp>
#include <pretext/inference/encoder_model.hpp>

using namespace pretext;

namespace {

using small = shape<16, 16, 3>;
using backbone = resnet18<stem::cifar, 4>;
template <class Method>
using trainer_of = trainer<Method, on<cpu>, sgd>;
using contrastive = simclr<small, backbone>;
using bootstrapped = byol<small, backbone, byol_head<9, 6>>;
using masked_vit = mae<small, vit<4, 16, 2, 2>, mae_decoder<8, 2, 2>>;

std::vector<float> encoder_values(auto& trainer) {
  using method = typename std::decay_t<decltype(trainer)>::method_type;
  const float* first = trainer.memory().value.data();
  return {first, first + method::encoder_size};
}

}  // namespace

TEST_CASE_TEMPLATE("an encoder that is saved and loaded into another trainer has the same bits", Method,
                   contrastive, bootstrapped, masked_vit) {
  const temporary_folder folder;
  trainer_of<Method> from{{}, {}, 1}, to{{}, {}, 2};
  REQUIRE(encoder_values(from) != encoder_values(to));
  save_encoder(folder / "encoder.safetensors", from, {.normalisation = {}}, 17);
  const std::vector<float> whole(to.memory().value.data(), to.memory().value.data() + Method::size);
  const pretrained_weights loaded = load_encoder(folder / "encoder.safetensors", to);
  CHECK(loaded.missing.empty());
  CHECK(encoder_values(to) == encoder_values(from));
  CHECK_MESSAGE(std::equal(whole.begin() + Method::encoder_size, whole.end(),
                           to.memory().value.data() + Method::encoder_size),
                "heads keep their weights");
  if constexpr (Method::has_target)
    CHECK_MESSAGE(
        std::equal(to.memory().target_values.data(), to.memory().target_values.data() + Method::encoder_size,
                   from.memory().value.data()),
        "a target starts from the same encoder");
}

TEST_CASE("the tensors of the file are those of append_torch_tensors, without a prefix") {
  const temporary_folder folder;
  trainer_of<contrastive> learner;
  save_encoder(folder / "encoder.safetensors", learner, {}, 17);
  safetensors expected;
  append_torch_tensors<float>(contrastive::parameters, learner.memory().value.data(), "backbone.", expected,
                              17);
  const safetensors found = read_safetensors(folder / "encoder.safetensors");
  REQUIRE(found.tensors.size() == expected.tensors.size());
  for (const auto& [name, tensor] : expected.tensors) {
    CAPTURE(name);
    CHECK(found.at(name).shape == tensor.shape);
    CHECK(found.at(name).bytes == tensor.bytes);
  }
}

TEST_CASE("a file of another encoder is refused by name, tensor and both shapes") {
  const temporary_folder folder;
  const auto path = folder / "encoder.safetensors";
  trainer_of<contrastive> learner;
  save_encoder(path, learner, {});
  using wider = encoder_model<resnet18<stem::cifar, 8>, small>;
  check_throws<std::runtime_error>([&] { wider{path}; }, path.string(), "[8, 3, 3, 3]", "[4, 3, 3, 3]",
                                   "it was made for another encoder");
  using transformer = encoder_model<vit<4, 16, 2, 2>, small>;
  check_throws<std::runtime_error>([&] { transformer{path}; }, path.string(), "\"cls_token\"",
                                   "\"conv1.weight\"", "it was made for another encoder");
  check_throws<std::runtime_error>([&] { transformer{folder / "none.safetensors"}; }, "none.safetensors");
}

TEST_CASE("weights for images of another size load only with an explicit preprocessing") {
  const temporary_folder folder;
  const auto path = folder / "encoder.safetensors";
  trainer_of<contrastive> learner;
  save_encoder(path, learner, {});
  using larger = encoder_model<backbone, shape<24, 20, 3>>;
  check_throws<std::runtime_error>([&] { larger{path}; }, path.string(),
                                   "was written for images of 16 x 16 x 3, and this model takes 24 x 20 x 3; "
                                   "pass a preprocessing");
  const larger model{path, preprocessing{}};
  CHECK(model.preprocessing() == preprocessing{});
  CHECK_THROWS_AS((larger{path, imagenet_preprocessing(20)}),
                  std::invalid_argument);  // does not fill 24 rows
}

TEST_CASE("a ViT of images that are not square is read from its own file") {
  using wide = shape<8, 24, 3>;
  const temporary_folder folder;
  trainer_of<mae<wide, vit<4, 16, 2, 2>, mae_decoder<8, 2, 2>>> from{{}, {}, 1}, to{{}, {}, 2};
  save_encoder(folder / "encoder.safetensors", from, {});
  load_encoder(folder / "encoder.safetensors", to);
  CHECK(encoder_values(to) == encoder_values(from));
  const encoder_model<vit<4, 16, 2, 2>, wide> model{folder / "encoder.safetensors"};
  CHECK(model.parameters().size() > 0);
}

TEST_CASE("a fine-tuned encoder's norm must be in the file") {
  const temporary_folder folder;
  trainer_of<masked_vit> learner;
  save_encoder(folder / "encoder.safetensors", learner, {});
  using tuned = encoder_model<vit<4, 16, 2, 2, mae_fine_tuning>, small>;
  check_throws<std::runtime_error>([&] { tuned{folder / "encoder.safetensors"}; },
                                   "has no tensor \"fc_norm.weight\"");
}

TEST_CASE("files without a recorded preprocessing need one, unless a program's recipe names it") {
  trainer_of<contrastive> learner;
  safetensors file;
  file.origin = "old.safetensors";
  append_torch_tensors<float>(contrastive::parameters, learner.memory().value.data(), "backbone.", file);
  using model = encoder_model<backbone, small>;
  check_throws<std::runtime_error>([&] { model{file}; },
                                   "old.safetensors: does not record the preprocessing");
  CHECK(model{file, imagenet_preprocessing(18)}.preprocessing() == imagenet_preprocessing(18));

  // What the programs of version 0.1.0 wrote.
  file.metadata["recipe"] =
      "{\n  \"encoder\": \"resnet18-thin\",\n  \"normalisation\": \"cifar\",\n  \"batch\": 128\n}\n";
  const normalise cifar{{.4914f, .4822f, .4465f}, {.2470f, .2435f, .2616f}};
  CHECK(model{file}.preprocessing() == preprocessing{.normalisation = cifar});
  file.metadata["recipe"] = "{\"normalisation\": \"none\"}";
  CHECK(model{file}.preprocessing() == preprocessing{});
  CHECK(encoder_model<backbone, shape<56, 56, 3>>{file}.preprocessing() ==
        preprocessing{
            .fit = image_fit::shorter_side, .shorter_side = 64, .method = interpolation::bicubic_antialias});
  file.metadata["recipe"] = "{\"normalisation\": \"imagenet\"}";
  CHECK(model{file}.preprocessing() == preprocessing{.normalisation = {}});
  file.metadata["recipe"] = "{\"normalisation\": \"mine\"}";
  check_throws<std::runtime_error>([&] { model{file}; }, "does not record the preprocessing");
}
