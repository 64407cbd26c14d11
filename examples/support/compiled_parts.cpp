#include "compiled_parts.hpp"

#include <algorithm>

#include <pretext/core/expects.hpp>

namespace programs {
namespace {

using pretext::str_cat;

/// A word of a command for a shell, in quotes if it needs them.
std::string shell_word(const std::string& word) {
  const bool plain =
      word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+=:@") ==
      word.npos;
  if (plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string{c};
  return quoted + "'";
}

std::string join(const std::vector<std::string>& words, const char* between) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : between) + word;
  return all;
}

/// As PRETEXT_ENCODERS has it.
std::string entry_of(const encoder_choice& encoder) {
  return str_cat(encoder.name, "@", encoder.image_size,
                 encoder.channels == PRETEXT_CHANNELS ? "" : str_cat(":", encoder.channels));
}

bool has(encoder_kinds kinds, encoder_kinds one) {
  return (static_cast<unsigned>(kinds) & static_cast<unsigned>(one)) != 0;
}

/// Throws a message about an entry that a list of CMake lacks.
[[noreturn]] void throw_missing(const char* what, const encoder_choice& wanted, const std::string& lines,
                                const char* list, const std::vector<encoder_choice>& entries) {
  std::vector<std::string> all;
  for (const encoder_choice& compiled : entries) all.push_back(entry_of(compiled));
  all.push_back(entry_of(wanted));
  pretext::throw_error(what, " ", wanted.name, " at ", wanted.image_size, " pixels",
                       wanted.channels == 3   ? ""
                       : wanted.channels == 1 ? " and one channel"
                                              : str_cat(" and ", wanted.channels, " channels"),
                       " was not compiled into this program; it has:", lines, "\nThis compiles it, too:\n  ",
                       compile_command(list, all));
}

}  // namespace

std::string& program_target() {
  static std::string target = "pretext_encoder";  // the library, which has no run_program
  return target;
}

std::string compile_command(const std::string& list, const std::vector<std::string>& entries) {
  const std::string folder = shell_word(compiled().build_folder);
  return str_cat("cmake ", shell_word(str_cat("-D", list, "=", join(entries, ";"))), " ", folder,
                 " && cmake --build ", folder, " --target ", program_target());
}

void throw_not_compiled(const encoder_choice& wanted, encoder_kinds kinds, const std::string& lines) {
  const compiled_parts& parts = compiled();
  const std::string base = wanted.name.substr(0, wanted.name.find('/'));
  if (std::ranges::find(parts.known_encoders, base) == parts.known_encoders.end())
    pretext::throw_error("there is no encoder ", wanted.name, "; known are ",
                         join(parts.known_encoders, ", "), ". Compiled are:", lines);
  const bool is_vit = base.starts_with("vit-");
  if (!has(kinds, is_vit ? encoder_kinds::vits : encoder_kinds::convolutional))
    pretext::throw_error("encoder ", wanted.name, " is a ",
                         is_vit ? "vision transformer" : "convolutional network", ", and only a ",
                         is_vit ? "convolutional network" : "vision transformer",
                         " can be used here:", lines);
  throw_missing("encoder", wanted, lines, "PRETEXT_ENCODERS", parts.encoders);
}

void throw_teacher_not_compiled(const encoder_choice& wanted, const std::string& lines) {
  throw_missing("teacher", wanted, lines, "PRETEXT_TEACHERS", compiled().teachers);
}

std::string local_crop_choices() {
  const auto& counts = compiled().local_crops;
  std::string text = "0";
  for (std::size_t i = 0; i < counts.size(); ++i)
    text += str_cat(i + 1 < counts.size() ? ", " : " or ", counts[i]);
  return text;
}

void throw_local_crops_not_compiled(std::size_t wanted) {
  std::vector<std::string> all;
  for (const std::size_t count : compiled().local_crops) all.push_back(str_cat(count));
  all.push_back(str_cat(wanted));
  pretext::throw_error("this program can make ", local_crop_choices(), " local crops, not ", wanted,
                       ". This compiles them, too:\n  ", compile_command("PRETEXT_LOCAL_CROPS", all));
}

void throw_method_not_compiled(const std::string& method) {
  pretext::throw_error("the encoders of ", method,
                       " were not compiled into this program. This compiles those of all methods:\n  ",
                       compile_command("PRETEXT_METHODS", {"all"}));
}

}  // namespace programs
