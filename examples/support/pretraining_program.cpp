#include "pretraining_program.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/utf8.hpp>

#include "command_line.hpp"
#include "compiled_parts.hpp"
#include "exit_status.hpp"
#include "presets.hpp"
#include "ranks.hpp"

namespace programs {
namespace {

using namespace pretext;

/// As CLI11 ends for a word that is missing, and for one that is not allowed.
constexpr int exit_no_method = 106, exit_unknown_method = 105;

/// Throws an error with the command that compiles the method if this program was built without it.
void expects_compiled(const std::string& method) {
  std::vector<std::string> names;
  bool found = false;
  for (const method_entry& entry : methods())
    if (entry.is_compiled()) {
      names.push_back(entry.info.name);
      found |= entry.info.name == method;
    }
  if (found) return;
  names.push_back(method);
  pretext::throw_error("the method ", method,
                       " was not compiled into this program. This compiles it, too:\n  ",
                       compile_command("PRETEXT_METHODS", names));
}

/// One line per method.
std::string list_methods() {
  std::size_t width = 0;
  for (const method_entry& entry : methods()) width = std::max(width, entry.info.name.size());
  std::string lines;
  for (const method_entry& entry : methods()) {
    const method_info& info = entry.info;
    lines +=
        str_cat("  ", info.name, std::string(width + 2 - info.name.size(), ' '), info.title, " (", info.paper,
                "): ", info.loss, entry.is_compiled() ? "" : "; not compiled into this program", "\n");
  }
  return lines;
}

/// The names in a sentence: "byol, mae or simclr".
std::string choice_of_methods() {
  std::string names;
  for (std::size_t i = 0; i < methods().size(); ++i)
    names += str_cat(i == 0 ? "" : i + 1 == methods().size() ? " or " : ", ", methods()[i].info.name);
  return names;
}

}  // namespace

int run_pretraining(int argc, char** argv, const pretraining& method, const std::string& encoders) {
  distributed::launch started;
  std::string fault;  // of the launcher's variables
  try {
    started = distributed::launch_from_environment();
  } catch (const std::exception& error) { fault = error.what(); }
  quiet_rank quiet{started.rank > 0};
  training_options options{.out = "out/" + method.info.name, .compute = {.threads = 0}};
  options.compute.threads = processors_of_rank(started);
  program_options line{method.info.description, method.info.program()};
  const bool has = has_presets(method.config);
  if (has) method.config.preset = "auto";
  add_recipe_options(line, method.config, encoders);
  for (const field& member : method.config.fields())
    if (const std::string option = member.option; has && !option.empty() && is_preset_member(member))
      line.at(option.substr(0, option.find(','))).shows("by preset");
  if (has) line.set_footer(describe_presets(method.config));
  line.add({"", &options.knn_every, "--knn-every"}, "epochs between two kNN evaluations; 0: none")
      .repeat_on_resume();
  line.add_flag("--init-report", options.init_report, "say for every tensor of --init what becomes of it")
      .needs(line.at("--init"));
  line.add({"", &options.patience, "--patience", "", between{0, 1e6}},
           "seconds that a rank waits for the others in a step, at least")
      .repeat_on_resume();
  line.add_flag("--keep-going", options.keep_going, "continue when the embeddings collapse")
      .repeat_on_resume();
  add_training_options(line, options);
  if (const auto status = parse_on_ranks(line, argc, argv, started, quiet)) return *status;
  options.given = line.given();
  options.started = started;
  options.repeated_on_resume = line.words_to_repeat();
  const bool chosen = std::ranges::find(options.given, "--shards") != options.given.end();
  if (!chosen && !options.resume) method.config.shards = started.ranks;
  const auto train = [&] {
    if (!fault.empty()) throw std::runtime_error{fault};
    expects_compiled(method.info.name);
    apply_preset(method.config, options.given);
    return run_ranks(method.info.program(), started, options.compute.is_gpu(), quiet,
                     [&](rank_engine& ranks) { return pretrain(method, options, ranks); });
  };
  return run_program(method.info.program(), train, true);
}

int pretrain_main(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  for (const method_entry& entry : methods())
    if (entry.info.name == word) return entry.pretrain(argc - 1, argv + 1);
  if (word == "--help" || word == "-h") {
    const auto help = [] {
      std::printf(
          "Pretrains an image encoder, by most methods on images without labels.\nUsage: pretrain METHOD "
          "[OPTIONS]\n\n"
          "Methods:\n%s\nThe options of a method: pretrain METHOD --help\n",
          list_methods().c_str());
      return 0;
    };
    return run_program("pretrain", help, true);
  }
  if (word.empty() || word.starts_with('-')) {
    std::fprintf(stderr, "pretrain: name a method first, %s; pretrain --help says what they are\n",
                 choice_of_methods().c_str());
    return exit_no_method;
  }
  std::fprintf(stderr, "pretrain: there is no method %s; choose %s\n",
               pretext::detail::printable(word.substr(0, 60), false).c_str(), choice_of_methods().c_str());
  return exit_unknown_method;
}

}  // namespace programs
