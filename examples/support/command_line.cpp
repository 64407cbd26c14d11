#include "command_line.hpp"

#include <algorithm>
#include <string>
#include <thread>
#include <type_traits>
#include <variant>

#include "exit_status.hpp"
#include "presets.hpp"
#include "pretraining_program.hpp"

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

int run_pretraining(int argc, char** argv, const pretraining& method, const std::string& encoders) {
  training_options options{.out = "out/" + method.info.name,
                           .compute = {.threads = std::max(1u, std::thread::hardware_concurrency())}};
  CLI::App app{method.info.description};
  const bool has = has_presets(method.config);
  if (has) method.config.preset = "auto";
  add_recipe_options(app, method.config, encoders);
  for (const field& member : method.config.fields())
    if (const std::string option = member.option; has && !option.empty() && is_preset_member(member))
      app.get_option(option.substr(0, option.find(',')))->default_str("by preset");
  if (has) app.footer(describe_presets(method.config));
  add_option(app, {"", &options.knn_every, "--knn-every"}, "epochs between two kNN evaluations; 0: none");
  app.add_flag("--keep-going", options.keep_going, "continue when the embeddings collapse");
  add_training_options(app, options);
  CLI11_PARSE(app, argc, argv);
  options.given = given_options(app);
  return run_program(method.info.program(), [&] {
    apply_preset(method.config, options.given);
    return pretrain(method, options);
  });
}

}  // namespace programs
