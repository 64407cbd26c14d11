#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "field.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace programs {

struct compute_options;
struct recipe;
struct training_options;

/// The options of a program: their names, values and help. CLI11, which reads them, takes a compiler seconds
/// in every file that includes it, so only command_line.cpp does.
class program_options {
 public:
  /// An option that was added.
  class option {
   public:
    option(CLI::Option* added, std::vector<CLI::Option*>& repeated) : added_{added}, repeated_{&repeated} {}
    option& required();
    /// One of the two at most.
    option& excludes(const option& other);
    /// Not without the other.
    option& needs(const option& other);
    /// --help shows this text as the default value.
    option& shows(const std::string& text);
    /// A resumed run needs the option again, because its folder does not record it.
    option& repeat_on_resume();

   private:
    CLI::Option* added_;
    std::vector<CLI::Option*>* repeated_ = nullptr;
  };

  /// `name`: of the program in --help; empty: as it was called.
  explicit program_options(const std::string& description, const std::string& name = {});
  ~program_options();

  option add(const char* name, std::string& value, const std::string& help = {});
  option add(const char* name, std::filesystem::path& value, const std::string& help = {});
  option add(const char* name, std::vector<std::string>& values, const std::string& help = {});
  option add(const char* name, std::vector<std::filesystem::path>& values, const std::string& help = {});
  option add_flag(const char* name, bool& value, const std::string& help = {});
  /// The option of a field, which refuses other values than those that the field accepts.
  option add(const field& member, const std::string& help);
  /// An option that was added, by its name.
  option at(const std::string& name);
  /// Text behind the options.
  void set_footer(const std::string& text);

  /// Reads the words. Returns nothing if the program is to go on, else its exit status: --help and mistakes
  /// were answered.
  std::optional<int> parse(int argc, char** argv);
  /// Reads the words that are options, and leaves others and mistakes to a later `parse`.
  void parse_known(int argc, char** argv);
  /// The names of the options that were there: "--epochs".
  std::vector<std::string> given() const;
  /// Those of them that a resumed run needs again, as words of a shell: " --device cuda --threads 4".
  std::string words_to_repeat() const;

 private:
  option refer_to(CLI::Option* added) { return option{added, repeated_on_resume_}; }

  std::unique_ptr<CLI::App> app_;
  std::vector<CLI::Option*> repeated_on_resume_;
};

/// A word as a shell reads it: in quotes where it has characters that are special there.
std::string shell_word(const std::string& text);

/// Adds the options of a recipe's fields. `encoders`: the list of names_of, for --help.
void add_recipe_options(program_options& line, recipe& config, const std::string& encoders);
/// Adds the options that every program that trains has beside its recipe.
void add_training_options(program_options& line, training_options& options);
void add_compute_options(program_options& line, compute_options& compute);

}  // namespace programs
