#include "run_folder.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include <pretext/io/file.hpp>

#include "command_line.hpp"
#include "json_fault.hpp"
#include "measured_images.hpp"
#include "pictures.hpp"

namespace programs {
namespace {

using namespace pretext;

/// Everything that a run writes, its recipe first: a folder without one is no run, whenever a process is
/// killed.
constexpr std::array files{"recipe.json",         "checkpoint.safetensors",
                           "encoder.safetensors", "classifier.safetensors",
                           "summary.json",        "metrics.csv",
                           pictures_file,         "pictures.cbor" /* of an earlier version */,
                           "report.html",         "images.txt",
                           "labelled.txt",        "gpu_plans.txt"};

nlohmann::json json_of(const run_summary& summary) {
  return {{"seconds", summary.seconds},
          {"loss", summary.loss},
          {"steps", summary.steps},
          {"peak_memory", summary.peak_memory},
          {"skipped", summary.skipped}};
}

std::string fault_of(const char* name, const char* kind) {
  return str_cat("the member \"", name, "\" must be ", kind);
}

void read(const nlohmann::json& members, const char* name, double& value) {
  if (!members.contains(name)) return;
  if (!members[name].is_number()) throw std::runtime_error{fault_of(name, "a number")};
  value = members[name].get<double>();
}
void read(const nlohmann::json& members, const char* name, std::size_t& value) {
  if (!members.contains(name)) return;
  if (!members[name].is_number_unsigned())
    throw std::runtime_error{fault_of(name, "a whole number from 0 to 18446744073709551615")};
  value = members[name].get<std::size_t>();
}

run_summary summary_from(const nlohmann::json& members) {
  if (!members.is_object()) throw std::runtime_error{"it is no object"};
  run_summary summary;
  read(members, "seconds", summary.seconds);
  read(members, "loss", summary.loss);
  read(members, "steps", summary.steps);
  read(members, "peak_memory", summary.peak_memory);
  if (members.contains("skipped")) members["skipped"].get_to(summary.skipped);
  return summary;
}

bool has_file_as_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

}  // namespace

std::string run_folder::read_text(const char* name) const {
  std::ifstream file{path_ / name};
  if (!file && has_file_as_folder(path_))
    throw_error<std::runtime_error>(path_.string(), ": is a file, and the folder of a run is needed");
  if (!file)
    throw_error<std::runtime_error>((path_ / name).string(), ": cannot be opened; start a run with ",
                                    program_, " --out ", shell_word(path_.string()));
  return {std::istreambuf_iterator<char>{file}, {}};
}

bool run_folder::has(const char* name) const {
  std::error_code ignored;
  return std::filesystem::exists(path_ / name, ignored);
}

void run_folder::lock() {
  if (lock_ || !writes_) return;
  lock_ = std::make_unique<folder_lock>(path_);
  if (!lock_->is_exclusive())
    std::fprintf(stderr, "the file system of %s has no locks: do not start a second run there\n",
                 path_.c_str());
  for (const char* name : files)
    if (std::string{name} != "report.html")
      remove_partial_files(path_ / name);  // `evaluate` may be writing it
}

void run_folder::expects_free(bool overwrite) const {
  if (overwrite || !writes_) return;
  for (const char* result : {"checkpoint.safetensors", "encoder.safetensors", "classifier.safetensors"})
    if (has(result))
      throw_error<std::runtime_error>(
          path_.string(), " holds a run already (", result,
          "); give --resume to continue it, --overwrite to replace it, or another "
          "--out");
}

void run_folder::start(const std::string& recipe_text, bool overwrite) {
  if (!writes_) return;
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error || !std::filesystem::is_directory(path_, error))
    throw_error<std::runtime_error>(
        path_.string(), ": cannot be made a folder for the results: ",
        (error ? error : std::make_error_code(std::errc::not_a_directory)).message());
  lock();
  expects_free(overwrite);
  for (const char* name : files) std::filesystem::remove(path_ / name, error);
  write_atomically(path_ / "recipe.json", recipe_text);
}

std::string run_folder::read_recipe_text() const { return read_text("recipe.json"); }

void run_folder::write_recipe(recipe& config) const {
  if (!writes_) return;
  const auto now = values_of(config);
  read_recipe(config);
  const auto written = values_of(config);
  set_values(config, now);
  if (written != now) write_atomically(path_ / "recipe.json", to_text(config));
}

void run_folder::read_recipe(recipe& config) const {
  programs::read_text(read_recipe_text(), (path_ / "recipe.json").string(), config);
}

run_summary run_folder::read_summary() const {
  const std::string text = read_text("summary.json");
  try {
    return summary_from(nlohmann::json::parse(text));
  } catch (const std::exception& error) {
    throw_error<std::runtime_error>((path_ / "summary.json").string(), ": is not the summary of a run; ",
                                    json_fault(text, error));
  }
}

bool run_folder::has_results(std::size_t steps) const {
  return has("summary.json") && has("encoder.safetensors") && read_summary().steps == steps;
}

void run_folder::finish(any_encoder& encoder, const run_summary& summary) const {
  recipe config;
  read_recipe(config);
  std::map<std::string, std::string> metadata{{"recipe", read_recipe_text()}};
  write_levels(levels_of(config), metadata);
  save_encoder(this->encoder(), encoder, static_cast<std::int64_t>(summary.steps), std::move(metadata));
  // Names of skipped images may not be UTF-8.
  write_atomically(path_ / "summary.json",
                   json_of(summary).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void run_folder::add_to_summary(const char* name, const std::string& json) {
  const bool locked = lock_ != nullptr;
  lock();
  auto members = nlohmann::json::parse(read_text("summary.json"));
  members[name] = nlohmann::json::parse(json);
  write_atomically(path_ / "summary.json",
                   members.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  if (!locked) unlock();
}

}  // namespace programs
