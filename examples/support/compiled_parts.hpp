#pragma once
#include <cstddef>
#include <string>
#include <vector>

// What CMake was told to compile into the programs, and the commands that compile something else.
namespace programs {

/// Kinds of encoders that a method can train.
enum class encoder_kinds : unsigned { convolutional = 1, vits = 2, both = 3 };
constexpr encoder_kinds operator|(encoder_kinds a, encoder_kinds b) {
  return static_cast<encoder_kinds>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

/// What identifies an encoder of the programs.
struct encoder_choice {
  std::string name;
  std::size_t image_size = 0, channels = 0;
};

/// The lists of CMake that the programs were built with.
struct compiled_parts {
  std::string build_folder;
  std::vector<std::string> known_encoders;  // the names that PRETEXT_ENCODERS may have
  std::vector<encoder_choice> encoders;     // PRETEXT_ENCODERS
  std::vector<encoder_choice> teachers;     // PRETEXT_TEACHERS
  std::vector<std::size_t> local_crops;     // PRETEXT_LOCAL_CROPS
};
/// Defined in the file that CMake stamps from compiled_parts.in.
const compiled_parts& compiled();

/// Throws std::invalid_argument with one sentence that says why no encoder of a set is the wanted one, the
/// lines of those that are in it, and the command that compiles the wanted one.
[[noreturn]] void throw_not_compiled(const encoder_choice& wanted, encoder_kinds kinds,
                                     const std::string& lines);

/// The same for a teacher.
[[noreturn]] void throw_teacher_not_compiled(const encoder_choice& wanted, const std::string& lines);

/// The numbers of small crops that were compiled, in a sentence: "0 or 6".
std::string local_crop_choices();
/// Throws std::invalid_argument that says which they are, and the command that compiles the wanted number.
[[noreturn]] void throw_local_crops_not_compiled(std::size_t wanted);

/// Throws std::invalid_argument that says that the encoders of a method were not compiled, and how to compile
/// them.
[[noreturn]] void throw_method_not_compiled(const std::string& method);

/// The command that sets a list of CMake and compiles the program again.
std::string compile_command(const std::string& list, const std::vector<std::string>& entries);

/// The name of this program, as a target of CMake: run_program sets it.
std::string& program_target();

}  // namespace programs
