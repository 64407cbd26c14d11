#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <pretext/io/decode_options.hpp>

#include "field.hpp"

namespace programs {

/// The most epochs that a program accepts.
inline constexpr double max_epochs = 1e6;

/// Everything that decides what a run computes: written beside its results and compared on resume. These are
/// the members that every program has; `recipe_of` adds the options of one. A member that a file lacks,
/// because an earlier version wrote it, has the value that it has here.
struct recipe {
  std::string method = "simclr";
  std::string preset;  // that gave the values of options; empty: of an earlier version, or none
  std::string data = "builtin";
  std::string encoder = "resnet18-thin";
  std::size_t image_size = 32;
  std::size_t images = 0;                   // of the training set; 0: all
  std::size_t test_images = 0;              // 0: all
  double minimum_area = 0.2;                // of a random crop
  std::string orientation = "upright";      // of the objects in the images
  std::size_t channels = PRETEXT_CHANNELS;  // of the encoder's input
  std::string levels = "type";              // the samples that become 0 and 1
  std::string normalisation = "none";
  std::string on_bad_image = "stop";
  std::size_t max_pixels =
      pretext::decode_options{}.max_pixels;  // of a decoded image; larger ones are bad images
  std::string exif_orientation = "ignore";

  std::size_t epochs = 20;
  std::size_t batch = 128;  // images, not views
  std::size_t seed = 1;
  std::string optimizer = "sgd";
  double learning_rate = 0.4;  // peak, for this batch size
  double warmup_epochs = 1;
  double momentum = 0.9;
  bool nesterov = true;
  double beta1 = 0.9, beta2 = 0.95;  // AdamW
  double weight_decay = 1e-4;
  double clip_norm = 0;           // largest norm of the gradients; 0: any
  std::string clip_by = "whole";  // what that is the norm of
  double target_momentum = 1;     // of an EMA target at the start of the run; it rises to 1

  virtual ~recipe() = default;
  virtual std::vector<field> fields();
  /// Gives every member its default value.
  virtual void reset() { *this = {}; }
};

/// The recipe of a pretraining.
struct pretraining_recipe : recipe {
  std::string init;                // file of an encoder to start from; empty: random weights
  std::size_t shards = 1;          // equal parts of every batch, each of which one rank holds
  double weight_decay_growth = 1;  // from the first step to the last

  std::vector<field> fields() override;
  void reset() override { *this = {}; }
};

/// A recipe with the options of one method or program, an aggregate with a member `fields(recipe&)`.
template <class Options, class Base = pretraining_recipe>
struct recipe_of final : Base {
  Options options;

  std::vector<field> fields() override {
    auto all = Base::fields();
    for (field& own : options.fields(*this)) all.push_back(std::move(own));
    return all;
  }
  void reset() override { *this = {}; }
};

/// JSON text with every member by its key. A path that is not UTF-8 is written as {"percent_encoded": "…"}.
/// Throws std::invalid_argument that names the member if a number is infinite or NaN.
std::string to_text(recipe& config);
/// Reads the members that the text has. Throws std::runtime_error that names `source`, and the member, if the
/// text is no recipe, if a value is of another type or does not fit, and if a member is unknown or given
/// twice.
void read_text(const std::string& text, const std::string& source, recipe& config);

/// Key and value, as JSON text, of each member of a recipe: equal values have equal text.
using recipe_values = std::map<std::string, std::string>;
recipe_values values_of(recipe& config);
/// Gives the recipe these values.
void set_values(recipe& config, const recipe_values& values);

/// Key and value of every member of the recipe in `text`, with those of `config` instead of the text's: for
/// the report.
std::vector<std::pair<std::string, std::string>> configuration_of(const std::string& text, recipe& config);

}  // namespace programs
