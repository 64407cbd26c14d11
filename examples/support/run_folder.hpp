#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <pretext/report/report.hpp>
#include <pretext/runtime/any_encoder.hpp>

#include "recipe.hpp"

namespace programs {

/// What a run leaves for `evaluate` and for the next run.
struct run_summary {
  double seconds = 0, loss = 0;
  std::size_t steps = 0, peak_memory = 0;
  std::map<std::string, std::string> skipped;  // image and fault
};

/// A folder that holds one run: recipe.json, metrics.csv, checkpoint.safetensors, encoder.safetensors,
/// summary.json, pictures.cbor.
class run_folder {
 public:
  /// `program` is what a sentence names where a run is missing.
  explicit run_folder(std::filesystem::path path, std::string program = "pretrain_simclr")
      : path_{std::move(path)}, program_{std::move(program)} {}

  /// Makes the folder and writes the recipe; throws if a run is there already, unless `overwrite`.
  void start(const recipe& asked, bool overwrite) const;
  /// The recipe of the run that is there, and the text it stands in; throws with the file's name if there is
  /// none.
  recipe read_recipe() const;
  std::string read_recipe_text() const;
  run_summary read_summary() const;
  /// Writes encoder.safetensors in torchvision's or timm's names and layouts, summary.json and the pictures.
  void finish(pretext::any_encoder& encoder, const run_summary& summary,
              const std::vector<pretext::image_sheet>& pictures) const;
  /// Where the encoder is.
  std::filesystem::path encoder() const { return path_ / "encoder.safetensors"; }

  const std::filesystem::path& path() const { return path_; }
  const std::string& program() const { return program_; }

 private:
  std::string read_text(const char* name) const;

  std::filesystem::path path_;
  std::string program_;
};

}  // namespace programs
