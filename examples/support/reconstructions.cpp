#include "reconstructions.hpp"

#include <algorithm>

#include <pretext/core/expects.hpp>
#include <pretext/runtime/reconstructor.hpp>

#include "pictures.hpp"

namespace programs {

using namespace pretext;

void add_reconstructions(any_trainer& trainer, const recipe& config, bool normalised, const datasets& data,
                         std::vector<image_sheet>& sheets) {
  const any_source& source = data.test.size() > 0 ? data.test : data.train;
  const sampled_images sampled = sample_images(source, 8);
  if (sampled.images.empty()) return;
  const std::size_t shown = sampled.images.size();
  const auto views = sampled.views();
  reconstructor* const predictor = trainer.reconstructor();
  expects(predictor != nullptr, "only masked methods predict images, and ", config.method, " is not one");
  const auto result =
      predictor->reconstruct({.images = views, .samples = sampled.samples, .seed = config.seed});
  const auto [height, width] = trainer.input_size();
  image_sheet sheet{
      "One test image per row. Predicted: the decoder's output at every patch; only that at masked patches "
      "is trained.",
      4,
      {},
      {"image", "masked", "predicted", "pasted"}};
  sheet.title = "Reconstructions";
  sheet.about =
      "Most patches are masked; the network predicts them from the others. Pasted: the visible "
      "patches of the image and the predictions of the masked ones.";
  if (normalised)
    sheet.about +=
        " The network predicts normalised patches; for display they are scaled back with the mean and "
        "variance of the true patch.";
  for (std::size_t n = 0; n < shown; ++n) {
    const std::size_t pixels = height * width;
    const image original =
        to_picture(result.images.data() + n * pixels * config.channels, height, width, config);
    const image predicted =
        to_picture(result.predicted.data() + n * pixels * config.channels, height, width, config);
    image masked = original, pasted = original;
    for (std::size_t i = 0; i < pixels * 3; ++i)
      if (result.masked[n * pixels + i / 3]) {
        masked.pixels[i] = 128;
        pasted.pixels[i] = predicted.pixels[i];
      }
    sheet.images.insert(sheet.images.end(), {original, masked, predicted, pasted});
  }
  sheets.push_back(std::move(sheet));
}

}  // namespace programs
