#include <pretext/io/interpolate_positions.hpp>

#include "support/reference.hpp"

#include <pretext/encoders/vit.hpp>
#include <pretext/io/torch_weights.hpp>

using namespace pretext;

namespace {

safetensors fixture() {
  return read_safetensors(std::filesystem::path{PRETEXT_REFERENCE} / "positions.safetensors");
}

}  // namespace

TEST_CASE(
    "positions are interpolated as by PyTorch's bicubic interpolate; the class token's row is unchanged") {
  const auto file = fixture();
  const auto table = file.at("pos_embed").as<double>();
  for (const image_extent to : {image_extent{7, 9}, {2, 3}, {4, 6}, {8, 5}}) {
    const auto expected = file.at(str_cat(to.height, "x", to.width)).as<double>();
    const auto found = interpolate_positions(table, {4, 6}, to, 8);
    CHECK(tests::relative_difference(found, expected) < 1e-6);
    CHECK(std::equal(table.begin(), table.begin() + 8, found.begin()));
  }
}

TEST_CASE("positions of a file are interpolated to another grid, and unchanged for their own") {
  auto file = fixture();
  const auto before = file.at("pos_embed").bytes;
  fit_positions(file, "pos_embed", {4, 6});
  CHECK(file.at("pos_embed").bytes == before);
  fit_positions(file, "pos_embed", {7, 9}, {4, 6});
  CHECK(file.at("pos_embed").shape == std::vector<std::size_t>{1, 64, 8});
  CHECK(tests::relative_difference(file.at("pos_embed").as<double>(), file.at("7x9").as<double>()) < 1e-6);
}

TEST_CASE("positions of a grid that is no square are rejected with their shape") {
  auto file = fixture();
  file.origin = "weights.safetensors";
  CHECK_THROWS_WITH_AS(
      fit_positions(file, "pos_embed", {7, 9}),
      "weights.safetensors: \"pos_embed\" has shape [1, 25, 8], which are not those of a 5 x 5 grid",
      std::runtime_error);
  CHECK_THROWS_AS(fit_positions(file, "pos_embed", {7, 9}, {5, 5}), std::runtime_error);
  CHECK_THROWS_AS(fit_positions(file, "7x9", {3, 3}, {2, 2}), std::runtime_error);
}

TEST_CASE("weights of a vision transformer load for images of another size once positions are interpolated") {
  using net = vit<4, 8, 1, 2, supervised_init>;
  constexpr const auto& trained = parameters_of<net, shape<16, 16, 3>>;
  constexpr const auto& wanted = parameters_of<net, shape<24, 32, 3>>;
  std::vector<float> w(parameter_count(trained), 0.5f), larger(parameter_count(wanted));
  safetensors file;
  append_torch_tensors<float>(trained, w.data(), "", file);
  CHECK_THROWS_AS(read_torch_tensors<float>(wanted, file, "", larger.data()), std::runtime_error);
  fit_positions(file, "pos_embed", {6, 8});
  read_torch_tensors<float>(wanted, file, "", larger.data());
  for (float number : larger) CHECK(number == doctest::Approx(0.5));
}
