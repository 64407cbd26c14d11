#include "initial_weights.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/inference/encoder_metadata.hpp>
#include <pretext/io/safetensors.hpp>
#include <pretext/io/utf8.hpp>

namespace programs {
namespace {

using namespace pretext;

/// Names in quotes; of many the first ones and their number.
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 4;
  return detail::list_names({names.begin(), names.end()}, names.size() > shown + 1 ? shown : names.size());
}

/// The changed tensors by what was done with them: how -> names.
std::map<std::string, std::vector<std::string>> by_change(const pretrained_weights& loaded) {
  std::map<std::string, std::vector<std::string>> names;
  for (const auto& [name, how] : loaded.changed) names[how].push_back(name);
  return names;
}

std::string summary_of(const pretrained_weights& loaded) {
  std::string text = str_cat(loaded.tensors, " tensors taken",
                             loaded.prefix.empty() ? "" : " behind " + detail::quote(loaded.prefix));
  for (const auto& [how, names] : by_change(loaded)) text += str_cat("; ", some_of(names), " ", how);
  if (!loaded.missing.empty()) text += str_cat("; not in the file: ", some_of(loaded.missing));
  if (!loaded.unused.empty()) text += str_cat("; left: ", some_of(loaded.unused));
  return text;
}

void print_tensors(const pretrained_weights& loaded, const any_trainer& trainer,
                   const std::map<std::string, std::string>& shapes) {
  for (const parameter& p : trainer.encoder_parameters()) {
    const std::string name{p.name()};
    const bool missing = std::ranges::find(loaded.missing, name) != loaded.missing.end();
    const auto changed = loaded.changed.find(name);
    std::fprintf(stderr, "  %s %s: %s\n", name.c_str(),
                 safetensor{"F32", {p.extents.begin(), p.extents.begin() + std::ptrdiff_t(p.rank)}, {}}
                     .shape_text()
                     .c_str(),
                 missing                           ? "not in the file, as initialised"
                 : changed != loaded.changed.end() ? ("taken, " + changed->second).c_str()
                                                   : "taken");
  }
  for (const std::string& name : loaded.unused) {
    const auto shape = shapes.find(name);
    std::fprintf(stderr, "  %s %s: left\n", detail::printable(name, false).c_str(),
                 shape == shapes.end() ? "" : shape->second.c_str());
  }
}

/// Mean and deviation as the metadata of a file have them.
std::pair<std::string, std::string> normalisation_in(const safetensors& file) {
  const auto text = [&](const char* key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string{} : found->second;
  };
  return {text("mean"), text("std")};
}

/// Features of images that are normalised otherwise are worse, silently.
void compare_normalisation(const safetensors& metadata, const any_trainer& trainer) {
  safetensors now;
  if (const auto info = trainer.info()) write_encoder_info(*info, now);
  const auto theirs = normalisation_in(metadata), ours = normalisation_in(now);
  if (theirs.first.empty())
    std::fprintf(stderr,
                 "%s does not say how its images were normalised: those of published weights mostly are as "
                 "--normalise imagenet does\n",
                 metadata.origin.c_str());
  else if (theirs != ours)
    std::fprintf(stderr, "the images of %s were normalised by mean %s and deviation %s, these by %s and %s\n",
                 metadata.origin.c_str(), theirs.first.c_str(), theirs.second.c_str(), ours.first.c_str(),
                 ours.second.c_str());
}

}  // namespace

void load_initial_weights(const std::filesystem::path& path, any_trainer& trainer, bool every_tensor) {
  safetensors file = read_safetensors(path);
  const safetensors metadata{file.metadata, {}, detail::printable(file.origin)};
  std::map<std::string, std::string> shapes;
  for (const auto& [name, tensor] : file.tensors) shapes[name] = tensor.shape_text();
  const pretrained_weights loaded = load_encoder(std::move(file), trainer);
  std::fprintf(stderr, "weights of %s: %s\n", metadata.origin.c_str(), summary_of(loaded).c_str());
  if (every_tensor) print_tensors(loaded, trainer, shapes);
  compare_normalisation(metadata, trainer);
}

}  // namespace programs
