#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/core/image_layout.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/edge/xtensor.hpp>

#if __has_include(<xtensor/views/xview.hpp>)
#include <xtensor/generators/xbuilder.hpp>
#include <xtensor/misc/xmanipulation.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xbuilder.hpp>
#include <xtensor/xmanipulation.hpp>
#include <xtensor/xview.hpp>
#endif

#include "support/temporary_folder.hpp"

using namespace pretext;

TEST_CASE("a batch and its xtensor share their memory, channels last") {
  tensor<float, shape<2, 3, 4>, cpu> batch{5};
  const auto view = batch.view();
  for (std::size_t i = 0; i < view.size(); ++i) view.data[i] = static_cast<float>(i);
  auto numbers = as_xtensor(view);
  CHECK(numbers.dimension() == 4);
  CHECK(numbers.shape()[0] == 5);
  CHECK(numbers.shape()[3] == 4);
  CHECK(numbers(4, 1, 2, 3) == 119);
  CHECK(numbers(1, 0, 2, 1) == 24 + 8 + 1);
  numbers(0, 0, 0, 1) = -7;
  CHECK(view.data[1] == -7);

  const auto copy = to_xtensor(tensor_view<const float, shape<2, 3, 4>>{view});
  view.data[1] = 0;
  CHECK(copy(0, 0, 0, 1) == -7);
}

TEST_CASE("an xtensor is a batch if its extents are those of the samples") {
  xt::xtensor<float, 2> features{{1, 2, 3}, {4, 5, 6}};
  const auto view = view_of<shape<3>>(features);
  CHECK(view.batch == 2);
  view.data[5] = 60;
  CHECK(features(1, 2) == 60);
  const auto& constant = features;
  CHECK(view_of<shape<3>>(constant).data == features.data());
  check_throws<std::invalid_argument>([&] { view_of<shape<4>>(features); }, "the extent 3 along axis 1",
                                      "have 4");
}

TEST_CASE("an xtensor of images is a source") {
  xt::xtensor<std::uint8_t, 4> images{std::array<std::size_t, 4>{2, 1, 2, 3}};
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = static_cast<std::uint8_t>(i);
  const auto source = source_of(images, {1, 0}, {"a", "b"});
  image read;
  source.read(1, read);
  CHECK(read.pixels == std::vector<std::uint8_t>{6, 7, 8, 9, 10, 11});
  CHECK(read.width == 2);
  CHECK(source.label(0) == 1);
}

TEST_CASE("pixels, strided views of them and transposed ones are images in place") {
  xt::xtensor<std::uint8_t, 3> frame = xt::arange<int>(0, 5 * 6 * 3).reshape({5, 6, 3});
  const auto check = [](const auto& pixels) {
    const image_view picture = image_view_of(pixels);
    std::vector<std::uint8_t> samples(picture.bytes());
    copy_samples(picture, samples.data());
    std::size_t i = 0;
    for (std::size_t y = 0; y < picture.height; ++y)
      for (std::size_t x = 0; x < picture.width; ++x)
        for (std::size_t c = 0; c < picture.channels; ++c) CHECK(samples[i++] == pixels(y, x, c));
  };
  check(frame);
  check(xt::view(frame, xt::range(1, 4), xt::range(2, 6), xt::all()));
  check(xt::view(frame, xt::all(), xt::all(), xt::range(0, 1)));
  check(xt::transpose(frame, {1, 0, 2}));
  xt::xtensor<float, 2> gray{{0, 1, 2}, {3, 4, 5}};
  CHECK(image_view_of(gray).channels == 1);
  CHECK(image_view_of(gray).width == 3);
  xt::xtensor<float, 4> batch({1, 2, 3, 1});
  check_throws<std::invalid_argument>([&] { image_view_of(batch); },
                                      "an xtensor of 4 dimensions is no image");
}
