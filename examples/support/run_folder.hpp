#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pretext/runtime/any_encoder.hpp>
#include <pretext/runtime/folder_lock.hpp>

#include "recipe.hpp"

namespace programs {

/// The results of a run as numbers, for `evaluate` and the report.
struct run_summary {
  double seconds = 0, loss = 0;
  std::size_t steps = 0, peak_memory = 0;
  std::map<std::string, std::string> skipped;  // image and error message
};

/// The folder of one run: recipe.json, images.txt, metrics.csv, checkpoint.safetensors, encoder.safetensors,
/// summary.json, pictures.safetensors; of a GPU also gpu_plans.txt, of a fine-tuning labelled.txt and
/// classifier.safetensors.
class run_folder {
 public:
  /// `program`: the program that the error message recommends if the folder has no run.
  /// `writes`: false for a rank that reads the folder of another one: it locks, checks and writes nothing.
  explicit run_folder(std::filesystem::path path, std::string program = "pretrain simclr", bool writes = true)
      : path_{std::move(path)}, program_{std::move(program)}, writes_{writes} {}

  bool writes() const { return writes_; }

  /// Makes this process the folder's only one that trains, until its end. Throws an error that names the
  /// other process if there is one.
  void lock();
  /// Ends that before the end of the process.
  void unlock() { lock_.reset(); }
  /// The lock, once `lock` or `start` was called.
  const pretext::folder_lock* owner() const { return lock_.get(); }

  /// Throws if the folder contains a run or its results, unless `overwrite`.
  void expects_free(bool overwrite) const;
  /// Creates and locks the folder, deletes the run in it if `overwrite`, and writes the recipe. Throws if it
  /// contains a run otherwise.
  void start(const std::string& recipe_text, bool overwrite);
  /// Reads the recipe of the run, or its text. Throws an error that names the file if there is none.
  void read_recipe(recipe& config) const;
  std::string read_recipe_text() const;
  /// Replaces the recipe if its values differ.
  void write_recipe(recipe& config) const;
  run_summary read_summary() const;
  /// Has a run of that many steps written its encoder and its summary?
  bool has_results(std::size_t steps) const;
  /// Writes encoder.safetensors in torchvision's or timm's names and layouts, and summary.json.
  void finish(pretext::any_encoder& encoder, const run_summary& summary) const;

  /// Sets a member of summary.json, JSON text. Throws an error that names the other process if one trains in
  /// the folder.
  void add_to_summary(const char* name, const std::string& json);

  bool has(const char* name) const;
  std::filesystem::path file(const char* name) const { return path_ / name; }
  std::filesystem::path encoder() const { return file("encoder.safetensors"); }
  std::filesystem::path checkpoint() const { return file("checkpoint.safetensors"); }

  const std::filesystem::path& path() const { return path_; }
  const std::string& program() const { return program_; }

 private:
  std::string read_text(const char* name) const;

  std::filesystem::path path_;
  std::string program_;
  bool writes_;
  std::unique_ptr<pretext::folder_lock> lock_;
};

}  // namespace programs
