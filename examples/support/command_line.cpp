#include "command_line.hpp"

#include <string>
#include <type_traits>
#include <variant>

namespace programs {

void add_option(CLI::App& app, const field& member, const std::string& help) {
  std::visit(
      [&]<class Value>(Value* value) {
        if constexpr (std::is_same_v<Value, bool>) {
          const auto option = app.add_flag(member.option, *value, help);
          if (*value) option->capture_default_str();
        } else {
          app.add_option(member.option, *value, help)
              ->capture_default_str()
              ->check([member](const std::string& text) { return fault_of(member, text); }, "");
        }
      },
      member.value);
}

void add_recipe_options(CLI::App& app, recipe& config, const std::string& encoders) {
  for (const field& member : config.fields())
    if (*member.option)
      add_option(app, member,
                 member.help + (std::string{member.key} == "encoder" ? encoders : std::string{}));
}

void add_training_options(CLI::App& app, training_options& options) {
  app.add_option("--out", options.out, "folder for the results")->capture_default_str();
  add_compute_options(app, options.compute);
  app.add_flag("--load-batches", options.load_batches,
               "do not upload the images to the GPU, even if they fit; results are the same");
  add_option(app, {"", &options.checkpoint_seconds, "--checkpoint-seconds", "", non_negative{}},
             "seconds between two checkpoints");
  const auto resume = app.add_flag(
      "--resume", options.resume,
      "resume the run in --out, with its recipe; --epochs, --data and --on-bad-image may differ");
  app.add_flag("--overwrite", options.overwrite, "delete the run in --out and start a new one")
      ->excludes(resume);
  app.add_flag("--accept-changed-images", options.accept_changed_images,
               "resume although images were added, removed or changed")
      ->needs(resume);
}

std::vector<std::string> given_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    if (option->count() > 0) names.push_back(option->get_name());
  return names;
}

void add_compute_options(CLI::App& app, compute_options& compute) {
  add_option(app, {"", &compute.device, "--device", "", one_of{{"cpu", "cuda"}}},
             "\"cuda\": the GPU; its results differ from the CPU's by rounding");
  add_option(app, {"", &compute.threads, "--threads", "", between{1, 1024}},
             "CPU threads; results do not depend on their number");
}

}  // namespace programs
