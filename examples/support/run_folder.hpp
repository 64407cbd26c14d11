#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

#include <pretext/training/any_trainer.hpp>

#include "recipe.hpp"

namespace programs {

/// What a run leaves for `evaluate` and for the next run.
struct run_summary {
  double seconds = 0, loss = 0;
  std::size_t steps = 0, peak_memory = 0;
  std::map<std::string, std::string> skipped;  // image and fault
};

/// A folder that holds one run: recipe.json, metrics.csv, checkpoint.safetensors, encoder.safetensors,
/// summary.json.
class run_folder {
 public:
  explicit run_folder(std::filesystem::path path) : path_{std::move(path)} {}

  /// Makes the folder and writes the recipe; throws if a run is there already, unless `overwrite`.
  void start(const recipe& asked, bool overwrite) const;
  /// The recipe of the run that is there; throws with the file's name if there is none.
  recipe read_recipe() const;
  run_summary read_summary() const;
  /// Writes encoder.safetensors in torchvision's names and layouts, and summary.json.
  void finish(pretext::any_trainer& trainer, const run_summary& summary) const;
  /// Reads encoder.safetensors into the trainer.
  void load_encoder(pretext::any_trainer& trainer) const;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace programs
