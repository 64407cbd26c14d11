#include "run_folder.hpp"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include <pretext/io/file.hpp>

#include "pictures.hpp"

namespace programs {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(run_summary, seconds, loss, steps, peak_memory, skipped)

using namespace pretext;

std::string run_folder::read_text(const char* name) const {
  std::ifstream file{path_ / name};
  if (!file)
    throw_error<std::runtime_error>((path_ / name).string(), ": cannot be opened; start a run with ",
                                    program_, " --out ", path_.string());
  return {std::istreambuf_iterator<char>{file}, {}};
}

void run_folder::start(const std::string& recipe_text, bool overwrite) const {
  if (std::filesystem::exists(path_ / "checkpoint.safetensors") && !overwrite)
    throw_error<std::runtime_error>(
        path_.string(),
        " already contains a run; give --resume to continue it, --overwrite to replace "
        "it, or another --out");
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error)
    throw_error<std::runtime_error>(path_.string(), ": cannot create this folder; ", error.message());
  for (const char* old : {"checkpoint.safetensors", "encoder.safetensors", "summary.json", "metrics.csv",
                          pictures_file, "pictures.cbor" /* of an earlier version */, "report.html"})
    std::filesystem::remove(path_ / old, error);
  write_atomically(path_ / "recipe.json", recipe_text);
}

std::string run_folder::read_recipe_text() const { return read_text("recipe.json"); }

void run_folder::read_recipe(recipe& config) const {
  programs::read_text(read_recipe_text(), (path_ / "recipe.json").string(), config);
}

run_summary run_folder::read_summary() const {
  const std::string text = read_text("summary.json");
  try {
    return nlohmann::json::parse(text).get<run_summary>();
  } catch (const nlohmann::json::exception& error) {
    throw_error<std::runtime_error>((path_ / "summary.json").string(), ": is not the summary of a run; ",
                                    error.what());
  }
}

void run_folder::finish(any_encoder& encoder, const run_summary& summary,
                        const std::vector<image_sheet>& pictures) const {
  save_encoder(this->encoder(), encoder, static_cast<std::int64_t>(summary.steps),
               {{"recipe", read_recipe_text()}});
  write_pictures(path_, pictures);
  write_atomically(path_ / "summary.json", nlohmann::json(summary).dump(2) + "\n");
}

}  // namespace programs
