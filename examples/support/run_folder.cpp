#include "run_folder.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/weights.hpp>

namespace programs {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(run_summary, seconds, loss, steps, peak_memory, skipped)
namespace {

using namespace pretext;

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file{path};
  if (!file)
    fail<std::runtime_error>(path.string(), ": cannot be opened; start a run with pretrain_simclr --out ",
                             path.parent_path().string());
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

void run_folder::start(const recipe& asked, bool overwrite) const {
  if (std::filesystem::exists(path_ / "checkpoint.safetensors") && !overwrite)
    fail<std::runtime_error>(path_.string(),
                             " holds a run already; give --resume to go on with it, --overwrite to start "
                             "anew, or another --out");
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) fail<std::runtime_error>(path_.string(), ": cannot be made; ", error.message());
  for (const char* old :
       {"checkpoint.safetensors", "encoder.safetensors", "summary.json", "metrics.csv", "report.html"})
    std::filesystem::remove(path_ / old, error);
  write_atomically(path_ / "recipe.json", to_text(asked));
}

recipe run_folder::read_recipe() const {
  const auto path = path_ / "recipe.json";
  return recipe_from_text(read_text(path), path.string());
}

run_summary run_folder::read_summary() const {
  const auto path = path_ / "summary.json";
  const std::string text = read_text(path);
  try {
    return nlohmann::json::parse(text).get<run_summary>();
  } catch (const nlohmann::json::exception& error) {
    fail<std::runtime_error>(path.string(), ": is no summary of a run; ", error.what());
  }
}

void run_folder::finish(any_trainer& trainer, const run_summary& summary) const {
  safetensors encoder;
  encoder.metadata = {{"format", "pt"}, {"made_by", "pretext"}, {"recipe", to_text(read_recipe())}};
  append_torch_tensors<float>(trainer.parameters(), trainer.values(), "backbone.", encoder,
                              static_cast<std::int64_t>(summary.steps));
  write_safetensors(path_ / "encoder.safetensors", encoder);
  write_atomically(path_ / "summary.json", nlohmann::json(summary).dump(2) + "\n");
}

void run_folder::load_encoder(any_trainer& trainer) const {
  read_torch_tensors<float>(trainer.encoder_parameters(), read_safetensors(path_ / "encoder.safetensors"), "",
                            trainer.values());
}

}  // namespace programs
