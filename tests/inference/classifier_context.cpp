// Also tests classifier_model, classifier_file and class_names.
#include <pretext/inference/classifier_context.hpp>

#include "support/allocations.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/inference/classifier_file.hpp>
#include <pretext/inference/inference_context.hpp>

using namespace pretext;

namespace {

using images_shape = shape<16, 16, 3>;
using thin_resnet = resnet18<stem::cifar, 4>;
using small_vit = vit<4, 16, 2, 2, mae_fine_tuning>;
/// Weights with which every class is possible.
struct spread_head : linear<12, bias::yes, torch_init> {};
template <class Encoder>
using learner_of =
    trainer<classification<images_shape, encoder<Encoder>, classifier<spread_head>>, on<cpu>, sgd>;
const std::vector<std::string> names{"cat", "dog", "\u00fc \"quoted\" \\ name", "", "bird"};

template <class Encoder>
learner_of<Encoder> make_learner() {
  return learner_of<Encoder>{{.loss = {.classes = 5}}, {}, 3};
}

struct pictures {
  std::vector<image> owned;
  std::vector<image_view> views;
  explicit pictures(std::size_t count) : owned(count) {
    for (std::size_t i = 0; i < count; ++i) {
      builtin_source{{.count = count, .side = 12 + 3 * (i % 4), .seed = 7}}.read(i, owned[i]);
      views.push_back(owned[i]);
    }
  }
};

std::vector<float> copy_of(std::span<const float> values) { return {values.begin(), values.end()}; }

/// A file of a trained ResNet of five classes.
safetensors resnet_file() {
  const temporary_folder folder;
  auto learner = make_learner<thin_resnet>();
  save_classifier(folder / "classifier.safetensors", learner, names, preprocessing{});
  auto file = read_safetensors(folder / "classifier.safetensors");
  file.origin = "classifier.safetensors";
  return file;
}

using resnet_model = classifier_model<thin_resnet, images_shape>;

}  // namespace

static_assert(belongs_to_classifier("fc.bias") && belongs_to_classifier("head.weight") &&
              belongs_to_classifier("head.fc.weight"));
static_assert(!belongs_to_classifier("head.norm.weight") && !belongs_to_classifier("fc1.bias"));

TEST_CASE_TEMPLATE(
    "a saved classifier gives the logits that its trainer predicts, and the names of its classes", Encoder,
    thin_resnet, small_vit) {
  const temporary_folder folder;
  const auto path = folder / "classifier.safetensors";
  auto learner = make_learner<Encoder>();
  const preprocessing how{.normalisation = normalise{}};
  save_classifier(path, learner, names, how);

  const classifier_model<Encoder, images_shape> model{path};
  CHECK(model.preprocessing() == how);
  CHECK(std::ranges::equal(model.class_names(), names));
  REQUIRE(model.classes() == 5);

  const pictures some(7);
  const std::vector<std::uint64_t> samples(7);
  tensor<float, images_shape, cpu> inputs{7};
  augment(learner.context(), make_augmentation(how), some.views, std::span<const std::uint64_t>{samples}, 0,
          0, inputs.view());
  tensor<float, shape<12>, cpu> outputs{7};
  using method = typename learner_of<Encoder>::method_type;
  method::predict(learner.context(), learner.memory(), reads<on<cpu>, images_shape>{inputs}, outputs.view());

  classifier_context context{model, {.threads = 2, .max_batch = 3}};
  const auto logits = copy_of(context.logits(some.views));
  REQUIRE(logits.size() == 7 * 5);
  for (std::size_t i = 0; i < 7; ++i)
    for (std::size_t c = 0; c < 5; ++c)
      CHECK(static_cast<double>(logits[5 * i + c]) ==
            doctest::Approx(static_cast<double>(outputs.view().data[12 * i + c])).epsilon(1e-4));

  const auto probabilities = copy_of(context.probabilities(some.views));
  for (std::size_t i = 0; i < 7; ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < 5; ++c) sum += std::exp(static_cast<double>(logits[5 * i + c]));
    const auto row = std::span{probabilities}.subspan(5 * i, 5);
    for (std::size_t c = 0; c < 5; ++c)
      CHECK(static_cast<double>(row[c]) ==
            doctest::Approx(std::exp(static_cast<double>(logits[5 * i + c])) / sum).epsilon(1e-5));
    const auto best = static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
    const predicted_class found = context.classify(some.views[i]);
    CHECK(found.index == best);
    CHECK(found.name == names[best]);
    CHECK(static_cast<double>(found.probability) ==
          doctest::Approx(static_cast<double>(row[best])).epsilon(1e-5));
  }
}

TEST_CASE("threads that share a classifier get the bits that one thread gets") {
  const resnet_model model{resnet_file()};
  const pictures some(16);
  std::vector<float> alone;
  {
    classifier_context context{model};
    for (const image_view& each : some.views) {
      const auto found = context.probabilities(each);
      alone.insert(alone.end(), found.begin(), found.end());
    }
  }
  std::vector<std::vector<float>> found(4);
  {
    std::vector<std::jthread> running;
    for (auto& own : found)
      running.emplace_back([&] {
        classifier_context context{model, {.threads = 1 + static_cast<std::size_t>(&own - found.data()) % 2}};
        for (const image_view& each : some.views) {
          const auto probabilities = context.probabilities(each);
          own.insert(own.end(), probabilities.begin(), probabilities.end());
        }
      });
  }
  for (const auto& each : found) CHECK(each == alone);
}

TEST_CASE("calls after the first of a batch size allocate nothing") {
  const resnet_model model{resnet_file()};
  const pictures some(8);
  classifier_context context{model};
  context.probabilities(some.views);
  const std::size_t before = tests::allocations;
  context.classify(some.views[3]);
  context.probabilities(some.views);
  CHECK(tests::allocations == before);
}

TEST_CASE("bf16 products give nearly the same logits") {
  const safetensors file = resnet_file();
  const resnet_model model{file};
  const classifier_model<thin_resnet, images_shape, on<cpu, bf16>> rounded{file};
  const pictures some(3);
  classifier_context context{model};
  classifier_context of_rounded{rounded};
  const auto expected = copy_of(context.logits(some.views));
  const auto found = of_rounded.logits(some.views);
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(std::abs(static_cast<double>(found[i] - expected[i])) < 3e-2);
}

TEST_CASE("the encoder of a classifier gives features") {
  const resnet_model model{resnet_file()};
  inference_context context{model.encoder()};
  CHECK(context.encode(pictures(1).views[0]).size() == model.feature_size);
}

TEST_CASE("a file of an encoder alone, of another classifier or of broken names is refused in one sentence") {
  const safetensors good = resnet_file();
  const auto refused = [&](const auto& change, const auto&... texts) {
    safetensors file = good;
    change(file);
    check_throws<std::runtime_error>([&] { resnet_model{file}; }, "classifier.safetensors: ", texts...);
  };
  refused([](safetensors& file) { file.tensors.erase("fc.weight"); },
          "has no tensor \"fc.weight\": it holds no classifier; load it as an encoder_model");
  refused([](safetensors& file) { file.tensors.erase("fc.bias"); }, "has no tensor \"fc.bias\"");
  refused([](safetensors& file) { file.tensors["fc.weight"] = file.at("layer1.0.conv1.weight"); },
          "\"fc.weight\" has shape [4, 4, 3, 3], not [classes, 32]");
  refused([](safetensors& file) { file.metadata["classes"] = "cat, dog"; },
          "the metadata \"classes\" is no list of names", "byte 0: expected '['");
  refused([](safetensors& file) { file.metadata["classes"] = "[\"cat\"] dog"; }, "is no list of names");
  refused([](safetensors& file) { file.metadata["classes"] = R"(["a","b","c","d","e","f"])"; },
          "has 6 names, and the classifier has 5 outputs");
  refused([](safetensors& file) { file.metadata.erase("image_fit"); }, "does not record the preprocessing");
}

TEST_CASE("a file without names has classes called by their numbers, and one with a prefix is read") {
  safetensors file = resnet_file();
  file.metadata["classes"] = "[\"cat\"]";
  CHECK(std::ranges::equal(resnet_model{file}.class_names(),
                           std::vector<std::string>{"cat", "1", "2", "3", "4"}));
  file.metadata.erase("classes");
  safetensors wrapped;
  wrapped.metadata = file.metadata;
  for (const auto& [name, tensor] : file.tensors) wrapped.tensors["module." + name] = tensor;
  const resnet_model model{file}, same{wrapped};
  CHECK(model.class_names()[4] == "4");
  classifier_context context{model}, of_same{same};
  const pictures some(2);
  CHECK(copy_of(context.logits(some.views)) == copy_of(of_same.logits(some.views)));
}

TEST_CASE("what the program finetune wrote before it recorded the preprocessing still loads") {
  safetensors file = resnet_file();
  file.metadata = {{"recipe", R"({"encoder": "resnet18-thin", "normalisation": "cifar"})"},
                   {"classes", R"(["a", "b\u00e9", "c", "d", "e"])"}};
  const resnet_model model{file};
  CHECK(model.class_names()[1] == "b\u00e9");
  CHECK(model.preprocessing().normalisation == normalise{{.4914f, .4822f, .4465f}, {.2470f, .2435f, .2616f}});
}

TEST_CASE(
    "names of classes that are not UTF-8 are written with the replacement character, and too many refused") {
  const temporary_folder folder;
  auto learner = make_learner<thin_resnet>();
  const auto path = folder / "classifier.safetensors";
  save_classifier(path, learner, std::vector<std::string>{"a\xff!", "\xc3"}, preprocessing{});
  const resnet_model model{path};
  CHECK(model.class_names()[0] == "a\ufffd!");
  CHECK(model.class_names()[1] == "\ufffd");
  const std::vector<std::string> six(6, "class");
  check_throws<std::invalid_argument>([&] { save_classifier(path, learner, six, preprocessing{}); },
                                      "there are 6 names for 5 classes");
}

TEST_CASE("an image without pixels or of four channels is refused") {
  const resnet_model model{resnet_file()};
  classifier_context context{model};
  const std::vector<std::uint8_t> pixels(20 * 20 * 4, 100);
  CHECK_THROWS_WITH_AS(context.classify(image_view{pixels.data(), 20, 20, 4}),
                       "classify: image 0 of 1 has 4 channels; convert it to gray (1) or RGB (3)",
                       std::invalid_argument);
  CHECK_THROWS_AS(context.classify(image_view{nullptr, 20, 20, 3}), std::invalid_argument);
}
