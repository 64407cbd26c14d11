#include "command_line.hpp"

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <variant>

#include <CLI/CLI.hpp>

#include "take_steps.hpp"

namespace programs {
namespace {

/// An option that --help shows with its default value, if it has one.
template <class Value>
CLI::Option* with_default(CLI::Option* added, const Value& value) {
  if constexpr (requires { value.empty(); }) {
    if (value.empty()) return added;
  }
  return added->capture_default_str();
}

}  // namespace

program_options::option& program_options::option::required() {
  added_->required();
  return *this;
}
program_options::option& program_options::option::excludes(const option& other) {
  added_->excludes(other.added_);
  return *this;
}
program_options::option& program_options::option::needs(const option& other) {
  added_->needs(other.added_);
  return *this;
}
program_options::option& program_options::option::shows(const std::string& text) {
  added_->default_str(text);
  return *this;
}
program_options::option& program_options::option::repeat_on_resume() {
  repeated_->push_back(added_);
  return *this;
}

program_options::program_options(const std::string& description, const std::string& name)
    : app_{std::make_unique<CLI::App>(description, name)} {}
program_options::~program_options() = default;

program_options::option program_options::add(const char* name, std::string& value, const std::string& help) {
  return refer_to(with_default(app_->add_option(name, value, help), value));
}
program_options::option program_options::add(const char* name, std::filesystem::path& value,
                                             const std::string& help) {
  return refer_to(with_default(app_->add_option(name, value, help), value));
}
program_options::option program_options::add(const char* name, std::vector<std::string>& values,
                                             const std::string& help) {
  return refer_to(app_->add_option(name, values, help));
}
program_options::option program_options::add(const char* name, std::vector<std::filesystem::path>& values,
                                             const std::string& help) {
  return refer_to(app_->add_option(name, values, help));
}
program_options::option program_options::add_flag(const char* name, bool& value, const std::string& help) {
  return refer_to(app_->add_flag(name, value, help));
}

program_options::option program_options::add(const field& member, const std::string& help) {
  return std::visit(
      [&]<class Value>(Value* value) {
        if constexpr (std::is_same_v<Value, bool>) {
          const auto added = app_->add_flag(member.option, *value, help);
          if (*value) added->capture_default_str();
          return refer_to(added);
        } else {
          return refer_to(
              app_->add_option(member.option, *value, help)
                  ->capture_default_str()
                  ->check([member](const std::string& text) { return fault_of(member, text); }, ""));
        }
      },
      member.value);
}

program_options::option program_options::at(const std::string& name) {
  return refer_to(app_->get_option(name));
}

void program_options::set_footer(const std::string& text) { app_->footer(text); }

std::optional<int> program_options::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& answered) { return app_->exit(answered); }
  return {};
}

void program_options::parse_known(int argc, char** argv) {
  app_->set_help_flag();
  app_->allow_extras();
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError&) {  // `parse` will say it
  }
}

std::vector<std::string> program_options::given() const {
  std::vector<std::string> names;
  for (const CLI::Option* added : app_->get_options())
    if (added->count() > 0) names.push_back(added->get_name());
  return names;
}

std::string program_options::words_to_repeat() const {
  std::string words;
  for (const CLI::Option* added : repeated_on_resume_) {
    if (added->count() == 0) continue;
    words += " " + added->get_name();
    if (added->get_expected_max() == 0) continue;  // a flag
    for (const std::string& value : added->results()) words += " " + shell_word(value);
  }
  return words;
}

std::string shell_word(const std::string& text) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"_-./:=,+@%"}.find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return quoted + "'";
}

void add_recipe_options(program_options& line, recipe& config, const std::string& encoders) {
  for (const field& member : config.fields())
    if (*member.option)
      line.add(member, member.help + (std::string{member.key} == "encoder" ? encoders : std::string{}));
}

void add_training_options(program_options& line, training_options& options) {
  line.add("--out", options.out, "folder for the results");
  add_compute_options(line, options.compute);
  line.add_flag("--load-batches", options.load_batches,
                "do not upload the images to the GPU, even if they fit; results are the same")
      .repeat_on_resume();
  line.add("--gpu-plans", options.gpu_plans,
           "how a GPU's libraries compute: \"timed\": the fastest of their proposals; \"first\": the first "
           "ones; or the file gpu_plans.txt of another run, to have the same bits")
      .repeat_on_resume();
  line.add({"", &options.checkpoint_seconds, "--checkpoint-seconds", "", non_negative{}},
           "seconds between two checkpoints")
      .repeat_on_resume();
  const auto resume = line.add_flag(
      "--resume", options.resume,
      "resume the run in --out, with its recipe; --epochs, --data and --on-bad-image may differ");
  line.add_flag("--overwrite", options.overwrite, "delete the run in --out and start a new one")
      .excludes(resume);
  line.add_flag("--accept-changed-images", options.accept_changed_images,
                "resume although images were added, removed or changed")
      .needs(resume);
}

void add_compute_options(program_options& line, compute_options& compute) {
  line.add({"", &compute.device, "--device", "", one_of{{"cpu", "cuda"}}},
           "\"cuda\": the GPU; its results differ from the CPU's by rounding")
      .repeat_on_resume();
  line.add({"", &compute.threads, "--threads", "", between{1, 1024}},
           "CPU threads; results do not depend on their number")
      .repeat_on_resume();
}

}  // namespace programs
