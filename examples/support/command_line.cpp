#include "command_line.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <type_traits>
#include <variant>

#include "pretraining_program.hpp"

namespace programs {
namespace {

/// Makes CLI11 reject other values than those that the field accepts.
template <class Value>
void check(CLI::Option* option, const field& member, const Value&) {
  if (std::holds_alternative<positive>(member.accepts)) option->check(CLI::PositiveNumber);
  if (std::holds_alternative<non_negative>(member.accepts)) option->check(CLI::NonNegativeNumber);
  if (const auto* range = std::get_if<between>(&member.accepts)) {
    if constexpr (std::is_integral_v<Value>)
      option->check(CLI::Range(static_cast<int>(range->min), static_cast<int>(range->max)));
    else
      option->check(CLI::Range(range->min, range->max));
  }
  if (const auto* choice = std::get_if<one_of>(&member.accepts)) option->check(CLI::IsMember(choice->values));
}

void add_option(CLI::App& app, const field& member, const std::string& help) {
  std::visit(
      [&]<class Value>(Value* value) {
        if constexpr (std::is_same_v<Value, bool>) {
          const auto option = app.add_flag(member.option, *value, help);
          if (*value) option->capture_default_str();
        } else {
          const auto option = app.add_option(member.option, *value, help);
          option->capture_default_str();
          check(option, member, *value);
        }
      },
      member.value);
}

}  // namespace

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
  app.add_option("--checkpoint-seconds", options.checkpoint_seconds, "seconds between two checkpoints")
      ->capture_default_str();
  app.add_flag("--resume", options.resume, "resume the run in --out, with its recipe");
  app.add_flag("--overwrite", options.overwrite, "delete the run in --out and start a new one");
}

void add_compute_options(CLI::App& app, compute_options& compute) {
  app.add_option("--device", compute.device,
                 "\"cuda\": the GPU; its results differ from the CPU's by rounding")
      ->capture_default_str()
      ->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--threads", compute.threads, "CPU threads; results do not depend on their number")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
}

int run_pretraining(int argc, char** argv, const pretraining& method, const std::string& encoders,
                    const std::function<void()>& complete) {
  training_options options{.out = "out/" + method.info.name,
                           .compute = {.threads = std::max(1u, std::thread::hardware_concurrency())}};
  CLI::App app{method.info.description};
  add_recipe_options(app, method.config, encoders);
  app.add_option("--knn-every", options.knn_every, "epochs between two kNN evaluations; 0: none")
      ->capture_default_str();
  app.add_flag("--keep-going", options.keep_going, "continue when the embeddings collapse");
  add_training_options(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    complete();
    return pretrain(method, options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\n%s: %s\n", method.info.program().c_str(), error.what());
    return 1;
  }
}

}  // namespace programs
