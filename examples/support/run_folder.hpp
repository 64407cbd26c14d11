#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <pretext/report/pictures.hpp>
#include <pretext/runtime/any_encoder.hpp>

#include "recipe.hpp"

namespace programs {

/// The results of a run as numbers, for `evaluate` and the report.
struct run_summary {
  double seconds = 0, loss = 0;
  std::size_t steps = 0, peak_memory = 0;
  std::map<std::string, std::string> skipped;  // image and error message
};

/// The folder of one run: recipe.json, metrics.csv, checkpoint.safetensors, encoder.safetensors,
/// summary.json, pictures.safetensors.
class run_folder {
 public:
  /// `program`: the program that the error message recommends if the folder has no run.
  explicit run_folder(std::filesystem::path path, std::string program = "pretrain_simclr")
      : path_{std::move(path)}, program_{std::move(program)} {}

  /// Creates the folder and writes the recipe. Throws if it contains a run, unless `overwrite`, which deletes
  /// that run.
  void start(const std::string& recipe_text, bool overwrite) const;
  /// Reads the recipe of the run, or its text. Throws an error that names the file if there is none.
  void read_recipe(recipe& config) const;
  std::string read_recipe_text() const;
  run_summary read_summary() const;
  /// Writes encoder.safetensors in torchvision's or timm's names and layouts, summary.json, and the pictures.
  void finish(pretext::any_encoder& encoder, const run_summary& summary,
              const std::vector<pretext::image_sheet>& pictures) const;
  /// The file of the encoder.
  std::filesystem::path encoder() const { return path_ / "encoder.safetensors"; }

  const std::filesystem::path& path() const { return path_; }
  const std::string& program() const { return program_; }

 private:
  std::string read_text(const char* name) const;

  std::filesystem::path path_;
  std::string program_;
};

}  // namespace programs
