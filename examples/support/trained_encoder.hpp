#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <pretext/evaluation/features.hpp>
#include <pretext/report/report.hpp>
#include <pretext/runtime/any_encoder.hpp>

#include "compute_options.hpp"
#include "datasets.hpp"
#include "recipe.hpp"

// What the programs share that use the features of a trained encoder: embed, search, duplicates, outliers,
// select and classify.
namespace programs {

class program_options;

/// The options that these programs have in common.
struct feature_options {
  std::filesystem::path run{}, encoder{};  // one of them
  std::string data{};                      // empty: the images of the run
  std::string on_bad_image{};              // empty: as in the run
  std::filesystem::path out{};
  std::size_t images = 0;  // 0: all
  compute_options compute{};
  std::string command_line{};
};

/// Adds these options; `data`: the help of --data.
void add_feature_options(program_options& line, feature_options& options, const std::string& data);
/// `main` of these programs: parses the command line, creates the folder of the results and runs `body`.
int run_feature_program(program_options& line, feature_options& options, int argc, char** argv,
                        const std::function<int()>& body);

/// A trained encoder and how its images are read.
struct trained_encoder {
  std::unique_ptr<pretext::any_encoder> encoder;
  recipe config;  // of its images: data, channels, levels, normalisation, limits
  std::filesystem::path file;
};

/// The encoder that the options name, of a run or of a file. The file's metadata say which encoder it is and
/// how its images are prepared; a file without a recipe is compared with the encoders of this program. Throws
/// std::runtime_error that names the file if none fits.
trained_encoder open_trained_encoder(const feature_options& options);

/// A hash of the encoder's weights: what was trained on its features records it.
std::string encoder_hash(const trained_encoder& trained);

/// Images with their features.
struct encoded_images {
  pretext::any_source source;                   // those that were read
  std::vector<std::string> names;               // relative to the folder
  pretext::feature_table features;              // label -1: of no class
  std::map<std::string, std::string> left_out;  // name and fault of the images that could not be read

  bool has_labels() const;
};

/// Encodes all images of a folder or another data set of the programs (of one with a training and a test
/// part, those of the training part), or of one file. Says on stderr what was left out.
encoded_images encode_images(trained_encoder& trained, const std::string& data,
                             const feature_options& options);

/// An image as the report shows it: RGB of 8 bits, at most `side` pixels high and wide.
pretext::image thumbnail(const pretext::any_source& source, std::size_t index, std::size_t side = 112);

/// The start of a report: title, command line, facts on encoder and images, what was left out.
pretext::report feature_report(const std::string& title, const trained_encoder& trained,
                               const encoded_images& images, const feature_options& options);
/// The first two principal components of up to 1500 features, coloured by class where there are classes.
pretext::scatter_plot feature_scatter(const encoded_images& images, const pretext::cpu::stream& stream);
/// Writes the report to the folder of results and says where it is.
void write_feature_report(const pretext::report& page, const feature_options& options);

/// A field of a CSV file, quoted where it must be (RFC 4180).
std::string csv_field(const std::string& text);
/// The rows of a CSV file. Throws std::runtime_error that names file and line if a quote is not closed.
std::vector<std::vector<std::string>> read_csv(const std::filesystem::path& file);
/// Six significant digits, with a point in every locale.
std::string number(double value);
/// Writes a file of results in --out, and says so.
void write_result(const feature_options& options, const char* name, const std::string& text);

}  // namespace programs
