#include <pretext/evaluation/feature_classifier.hpp>

#include <filesystem>
#include <fstream>

#include "evaluation.hpp"

using namespace pretext;
using doctest::Approx;

namespace {

feature_classifier small_classifier() {
  return {2, {2, 1}, {-1, 0}, {1, 0, 0, 1, -1, -1}, {0, 0.5f, 0}, {"cat", "dog", "früher"}, false};
}

}  // namespace

TEST_CASE("features are scaled, then shifted, then multiplied; probabilities are the softmax") {
  const feature_classifier some = small_classifier();
  const std::vector<float> features{1, 2, 0, -3};  // scaled: (1, 2) and (-1, -3)
  const auto logits = some.logits({features, 2});
  CHECK(logits == std::vector<float>{1, 2.5f, -3, -1, -2.5f, 4});
  CHECK(some.classify({features, 2}) == std::vector<int>{1, 2});
  const auto p = some.probabilities({features, 2});
  const double sum = std::exp(1.) + std::exp(2.5) + std::exp(-3.);
  CHECK(p[0] == Approx(std::exp(1.) / sum).epsilon(1e-6));
  CHECK(p[1] == Approx(std::exp(2.5) / sum).epsilon(1e-6));
  CHECK(p[3] + p[4] + p[5] == Approx(1).epsilon(1e-6));
  CHECK_THROWS_WITH_AS(some.logits({features, 4}),
                       "classifier: it was trained on features of width 2, and these have 4",
                       std::invalid_argument);
}

TEST_CASE("a file keeps weights, scaling and the names of the classes; other files are refused") {
  const auto path = std::filesystem::temp_directory_path() / "pretext_feature_classifier.safetensors";
  const feature_classifier some = small_classifier();
  save_feature_classifier(path, some, {{"encoder", "resnet18"}});
  CHECK(load_feature_classifier(path) == some);
  CHECK(read_safetensors_metadata(path).at("encoder") == "resnet18");
  const auto refuses = [&](const std::string& words, auto change) {
    safetensors file = read_safetensors(path);
    change(file);
    write_safetensors(path, file);
    CHECK_THROWS_WITH_AS(load_feature_classifier(path), doctest::Contains(words.c_str()), std::runtime_error);
    save_feature_classifier(path, some);
  };
  refuses("has no tensor \"shift\"; it is no classifier of features",
          [](safetensors& file) { file.tensors.erase("shift"); });
  refuses("do not fit together: weight [3, 2], bias [3], scale [3], shift [2]", [](safetensors& file) {
    file.tensors["scale"] = safetensor::of<float>({3}, std::vector<float>{1, 2, 3});
  });
  refuses("holds NaN or infinity", [](safetensors& file) {
    file.tensors["bias"] = safetensor::of<float>({3}, std::vector<float>{1, NAN, 3});
  });
  refuses("names 2 of 3 classes", [](safetensors& file) { file.metadata.erase("class/1"); });
  feature_classifier unit = some;
  unit.unit_length = true;
  save_feature_classifier(path, unit);
  CHECK(load_feature_classifier(path) == unit);
  const std::vector<float> features{3, 4, 30, 40};  // of one direction
  CHECK(unit.logits({features, 2})[0] == Approx(2 * .6 - 1));
  CHECK(unit.logits({features, 2})[3] == Approx(2 * .6 - 1));
  std::filesystem::remove(path);
}
