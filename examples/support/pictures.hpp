#pragma once
#include <filesystem>
#include <functional>
#include <vector>

#include <pretext/report/report.hpp>
#include <pretext/runtime/any_trainer.hpp>

#include "datasets.hpp"
#include "recipe.hpp"

namespace programs {

/// Pictures that a method shows of a finished run; the report puts them on its page.
using picture_maker =
    std::function<std::vector<pretext::image_sheet>(pretext::any_trainer&, const recipe&, const datasets&)>;

/// Numbers as the network sees them, (H, W, 3), as a picture: the recipe's normalisation undone.
pretext::image to_picture(const float* rgb, std::size_t height, std::size_t width, const recipe& asked);

/// The i-th of some images spread over a set, whether its classes stand one after another or take turns.
std::size_t spread(std::size_t i, std::size_t some, std::size_t all);

/// Some images and the views that the first epochs make of them.
std::vector<pretext::image_sheet> augmented_views(pretext::any_trainer& trainer, const recipe& asked,
                                                  const datasets& data);

/// Keeps sheets beside a run, in pictures.cbor (RFC 8949), and reads them back; without the file there are
/// none.
void write_pictures(const std::filesystem::path& folder, const std::vector<pretext::image_sheet>& sheets);
std::vector<pretext::image_sheet> read_pictures(const std::filesystem::path& folder);

}  // namespace programs
