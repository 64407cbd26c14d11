#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include <pretext/report/pictures.hpp>
#include <pretext/runtime/any_trainer.hpp>

#include "datasets.hpp"
#include "recipe.hpp"

namespace programs {

/// Converts normalised pixels (H, W, C), as the network sees them, to an RGB image: undoes the normalisation.
/// Of more than three channels it shows the first three, of two the first.
pretext::image to_picture(const float* pixels, std::size_t height, std::size_t width, const recipe& config);

/// Index of the i-th of `count` images spread evenly over `size` images. It covers all classes, whether the
/// set is sorted by class or alternates between them.
std::size_t spread(std::size_t i, std::size_t count, std::size_t size);

/// Up to `count` images spread evenly over a source, each with its index. Where one cannot be read, one of
/// the next images takes its place.
struct sampled_images {
  std::vector<pretext::image> images;
  std::vector<std::uint64_t> samples;

  std::vector<pretext::image_view> views() const { return {images.begin(), images.end()}; }
};
sampled_images sample_images(const pretext::any_source& source, std::size_t count);

/// A few images and their views in the first epochs.
std::vector<pretext::image_sheet> augmented_views(pretext::any_trainer& trainer, const recipe& config,
                                                  const datasets& data);

/// The file of the pictures in the folder of a run.
inline constexpr const char* pictures_file = "pictures.safetensors";
/// Writes sheets to that file: image n of sheet s is the tensor "s/n" (H, W, C) of bytes, texts are metadata.
void write_pictures(const std::filesystem::path& folder, const std::vector<pretext::image_sheet>& sheets);
/// Reads them; none if there is no such file. Throws std::runtime_error that names the file if it is damaged.
std::vector<pretext::image_sheet> read_pictures(const std::filesystem::path& folder);

}  // namespace programs
