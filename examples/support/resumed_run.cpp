#include "resumed_run.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <pretext/core/expects.hpp>
#include <pretext/io/file.hpp>

#include "command_line.hpp"
#include "method_info.hpp"

namespace programs {
namespace {

using namespace pretext;

/// What a resumed run may change: its length, where its images are, and what becomes of bad ones.
bool may_change(const std::string& key) { return key == "epochs" || key == "data" || key == "on_bad_image"; }

bool is_given(const field& member, const std::vector<std::string>& given) {
  const std::string option = member.option;
  return *member.option && std::ranges::find(given, option.substr(0, option.find(','))) != given.end();
}

void append(std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; }

/// Takes the given options into the run's recipe.
void take_given(const run_folder& folder, recipe& config, const std::vector<std::string>& given,
                const recipe_values& command_line) {
  const auto run = values_of(config);
  recipe_values taken;
  std::string refused;
  for (const field& member : config.fields()) {
    if (!is_given(member, given)) continue;
    const std::string option = member.option, name = option.substr(0, option.find(','));
    if (!*member.key)
      append(refused, name);
    else if (const auto& value = command_line.at(member.key); value == run.at(member.key))
      continue;
    else if (may_change(member.key))
      taken[member.key] = value;
    else
      append(refused, str_cat(name, " (", run.at(member.key), " in the run, ", value, " given)"));
  }
  if (!refused.empty())
    throw_error<std::runtime_error>(folder.path().string(), ": a resumed run keeps its settings; leave out ",
                                    refused, ", or start another run with another --out");
  set_values(config, taken);
}

/// Throws unless the recipe's values are those of the checkpoint, but for those that may change: these are
/// said.
void compare(const run_folder& folder, recipe& config, const recipe_values& before, std::size_t step) {
  std::string differences;
  for (const auto& [key, value] : values_of(config)) {
    const auto& old = before.at(key);
    if (value == old) continue;
    if (!may_change(key))
      append(differences, str_cat(key, ": ", old, " in the checkpoint, ", value, " in recipe.json"));
    else if (key == "epochs")
      std::fprintf(
          stderr,
          "epochs: %s instead of %s; from step %zu on the schedules are those of a run of %s epochs\n",
          value.c_str(), old.c_str(), step, value.c_str());
    else
      std::fprintf(stderr, "%s: %s instead of %s\n", key.c_str(), value.c_str(), old.c_str());
  }
  if (!differences.empty())
    throw_error<std::runtime_error>(folder.checkpoint().string(), ": belongs to a run with other settings; ",
                                    differences);
}

}  // namespace

std::optional<run_state> resume_run(run_folder& folder, recipe& config,
                                    const std::vector<std::string>& given) {
  const auto command_line = values_of(config);
  folder.read_recipe(config);  // first, so that a folder without a run gets no lock
  if (values_of(config).at("method") != command_line.at("method"))
    throw_error<std::runtime_error>(
        folder.path().string(), " contains a run of ", config.method, ", not of ", folder.program(),
        config.method == "finetune" ? "; resume it with finetune"
                                    : "; resume it with " + info_of(config.method).program(),
        " --resume --out ", shell_word(folder.path().string()));
  folder.lock();
  folder.read_recipe(config);
  const auto written = values_of(config);
  take_given(folder, config, given, command_line);
  if (!folder.has("checkpoint.safetensors")) {
    if (folder.has("encoder.safetensors"))
      throw_error<std::runtime_error>(folder.checkpoint().string(),
                                      ": is missing, so that the run cannot be resumed; its encoder is in ",
                                      folder.encoder().string());
    compare(folder, config, written, 0);
    std::fprintf(stderr, "the run has no checkpoint yet: it begins at step 0\n");
    return {};
  }
  const run_state saved = read_run_state(folder.checkpoint());
  const auto now = values_of(config);
  read_text(saved.config_fingerprint, folder.checkpoint().string(), config);
  const auto before = values_of(config);
  set_values(config, now);
  compare(folder, config, before, saved.step);
  return saved;
}

void expects_data(const recipe& config) {
  std::error_code ignored;
  if (config.data != "builtin" && !std::filesystem::exists(config.data, ignored))
    throw_error<std::runtime_error>(
        config.data,
        ": there is no such folder; if the images of the run were moved, name their "
        "folder with --resume --data");
}

void check_images(const run_folder& folder, const image_list& now, const std::optional<run_state>& saved,
                  bool accept) {
  if (!folder.writes()) return;
  const auto file = folder.file("images.txt");
  std::ifstream old_file{file};
  const std::string text = to_text(now), old_text{std::istreambuf_iterator<char>{old_file}, {}};
  if (saved && saved->data_fingerprint.empty()) {
    std::fprintf(
        stderr,
        "the checkpoint was written by an earlier version, which did not record the images: whether they "
        "are the same is not known\n");
  } else if (const image_list old = image_list_from(old_text); saved &&
                                                               saved->data_fingerprint == fingerprint(old) &&
                                                               old != now && lacks_only_sizes(old, now)) {
    std::fprintf(
        stderr,
        "the checkpoint was written by an earlier version, which did not record the sizes of images in "
        "archives and record files: whether they are the same is not known\n");
  } else if (saved && saved->data_fingerprint != fingerprint(now)) {
    const std::string difference =
        fingerprint(old) == saved->data_fingerprint
            ? difference_between(old, now)
            : str_cat(saved->data_fingerprint, " then, ", fingerprint(now), " now");
    if (!accept)
      throw_error<std::runtime_error>(
          folder.path().string(),
          ": the images are not the images of this run, they were changed: ", difference,
          "; restore them, name where they are with --data, begin another run with another --out, or go on "
          "with "
          "the changed images with --accept-changed-images");
    std::fprintf(stderr, "the images were changed: %s\n", difference.c_str());
  }
  if (text != old_text) write_atomically(file, text);
}

}  // namespace programs
