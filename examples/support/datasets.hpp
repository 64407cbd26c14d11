#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/data/open.hpp>
#include <pretext/data/source.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/runtime/any_encoder.hpp>

#include "recipe.hpp"

namespace programs {

/// The images that a run learns from, and those that it is evaluated on, which may be empty.
struct datasets {
  pretext::any_source train, test;
  std::string unlabelled;       // why there are no labels to evaluate with, as a sentence; empty if there are
  pretext::any_source found{};  // all images of the training part, from which `train` was chosen
};

/// Opens the recipe's images for pretraining, which needs no labels: a test part that is missing or damaged,
/// and images without a class, are no errors. Says on stderr what is left out. Levels and normalisation that
/// the recipe leaves to the data are measured, said, and put into the recipe (`measure_images`). Throws an
/// error that names the path if there are no images to learn from.
datasets open_datasets(recipe& config);

/// Opens the recipe's images for what needs labels, such as "evaluation": images without a class are left
/// out. Throws std::runtime_error that says why if no labelled training or test images remain.
datasets open_labelled_datasets(recipe& config, const std::string& purpose);

/// Opens all images of the recipe's data set, of one with a training and a test part those of the training
/// part, for what neither learns nor evaluates. Says on stderr what is left out. Throws an error that names
/// the path if there are none.
pretext::any_source open_all_images(const recipe& config);

/// How the recipe's image files are decoded.
pretext::decode_options decoding_of(const recipe& config);

/// The images of a source that have a class.
pretext::any_source labelled_images(const pretext::any_source& source);

/// How the images of a source are read once, in order.
struct reading {
  std::size_t threads = 1;
  pretext::bad_image_policy on_bad_image = pretext::bad_image_policy::stop;  // or leave_out
  bool may_leave_out_all = false;                                            // else that is an error

  /// As the recipe asks: `--on-bad-image skip` leaves unreadable images out.
  reading(std::size_t thread_count, const recipe& config)
      : threads{thread_count},
        on_bad_image{config.on_bad_image == "skip" ? pretext::bad_image_policy::leave_out
                                                   : pretext::bad_image_policy::stop} {}
};

/// Index and fault of the images that could not be read.
using image_faults = std::map<std::size_t, std::string>;

/// Calls `use(images, samples)` for batches of up to a few hundred images of the source, in order; `samples`
/// are the indices of the images. The next batch is decoded in the background. Returns the images that were
/// left out; throws an error if not one can be read, unless `may_leave_out_all`.
image_faults for_each_batch(
    const pretext::any_source& source, const reading& how,
    const std::function<void(std::span<const pretext::image_view>, std::span<const std::uint64_t>)>& use);

/// The source without these images.
pretext::any_source without(const pretext::any_source& source, const image_faults& faults);

/// Says on stderr how many images could not be read and `what` was done about them, with the first faults.
void report_faults(const std::map<std::string, std::string>& faults, const char* what);

/// The encoder's features of all images of a source, with their labels; `faults` receives those that were
/// left out.
pretext::feature_table encode(pretext::any_encoder& encoder, const pretext::any_source& source,
                              const reading& how, image_faults* faults = nullptr);

/// All images of a source as the encoder sees them, averaged down to about 32 x 32 pixels: a baseline.
pretext::feature_table pixels(pretext::any_encoder& encoder, const pretext::any_source& source,
                              const reading& how);

}  // namespace programs
