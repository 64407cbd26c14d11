#include "reconstructions.hpp"

#include <algorithm>

#include <pretext/core/expects.hpp>
#include <pretext/runtime/reconstructor.hpp>

namespace programs {

using namespace pretext;

std::vector<image_sheet> reconstructed_images(any_trainer& trainer, const recipe& asked,
                                              const datasets& data) {
  auto sheets = augmented_views(trainer, asked, data);
  const any_source& source = data.test.size() > 0 ? data.test : data.train;
  const std::size_t shown = std::min<std::size_t>(8, source.size());
  std::vector<image> pictures(shown);
  std::vector<image_view> views;
  std::vector<std::uint64_t> samples;
  for (std::size_t i = 0; i < shown; ++i) {
    samples.push_back(spread(i, shown, source.size()));
    source.read(samples.back(), pictures[i]);
    views.push_back(pictures[i]);
  }
  reconstructor* const predictor = trainer.reconstructor();
  expects(predictor != nullptr, "only masked methods predict images, and ", asked.method, " is none");
  const auto made = predictor->reconstruct({.images = views, .samples = samples, .seed = asked.seed});
  const auto [height, width] = trainer.input_size();
  image_sheet sheet{
      "One test image per row. Predicted: what the decoder draws at every patch; where patches were "
      "visible nothing was asked of it.",
      4,
      {},
      {"image", "masked", "predicted", "pasted"}};
  sheet.title = "What it predicts";
  sheet.about =
      "Three of four patches are hidden; the network draws them from the others. Pasted: visible "
      "patches as they are, hidden ones as predicted.";
  if (asked.normalise_pixels)
    sheet.about +=
        " Patches are predicted without their brightness and contrast; those of the real patch are put "
        "back for showing.";
  for (std::size_t n = 0; n < shown; ++n) {
    const std::size_t pixels = height * width;
    const image original = to_picture(made.images.data() + n * pixels * 3, height, width, asked);
    const image predicted = to_picture(made.predicted.data() + n * pixels * 3, height, width, asked);
    image masked = original, pasted = original;
    for (std::size_t i = 0; i < pixels * 3; ++i)
      if (made.masked[n * pixels + i / 3]) {
        masked.pixels[i] = 128;
        pasted.pixels[i] = predicted.pixels[i];
      }
    sheet.images.insert(sheet.images.end(), {original, masked, predicted, pasted});
  }
  sheets.push_back(std::move(sheet));
  return sheets;
}

}  // namespace programs
