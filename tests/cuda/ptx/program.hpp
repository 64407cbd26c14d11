#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "memory.hpp"

// The PTX that nvcc generates for the kernels of kernels/gpu, parsed for the interpreter beside this file.
// Anything that it does not support is an error that names the text; nothing is guessed.
namespace pretext::tests::ptx {

/// An error that a GPU, its driver or compute-sanitizer would report, or PTX that the interpreter does not
/// support.
struct fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline constexpr unsigned lanes = 32;
/// One register of a warp. Of each lane's 64 bits only those of the register's type are meaningful.
using row = std::array<std::uint64_t, lanes>;

/// State spaces. `generic` addresses are global ones, and windows for shared and local memory.
enum class space : std::uint8_t { global, constant, generic, shared, local, parameters };
inline constexpr std::uint64_t shared_window = std::uint64_t{1} << 60, local_window = std::uint64_t{1} << 61;

class warp;
struct instruction;
using action = void (*)(warp&, const instruction&);

/// An instruction: register indices and the function that executes it.
struct instruction {
  enum class kind : std::uint8_t { ordinary, branch, end, barrier } is = kind::ordinary;
  bool negated = false;             ///< execute if the guard is false
  bool warp_wide = false;           ///< a warp's threads must execute it together
  bool aligned = false;             ///< the warp must not even have diverged before it
  bool divides = false;             ///< integers, which takes a GPU tens of instructions
  std::uint32_t issue_slots = 100;  ///< in hundredths; see issue_slots.hpp
  std::uint32_t guard = 0;          ///< a predicate register; `always` (0) is true
  action act = nullptr;             ///< of an ordinary instruction
  std::vector<std::uint32_t> to{}, from{};
  std::int64_t offset = 0;   ///< added to the address in from[0]
  std::uint32_t target = 0;  ///< of a branch: an index into the code
  std::string text{};
};

/// Registers of every kernel: special registers, and the carry of `add.cc`.
enum special : std::uint32_t {
  always,
  thread_index,
  block_index,
  block_count,
  thread_count,
  lane_index,
  carry,
  specials
};

/// A kernel, ready to run.
struct kernel {
  std::string name;
  std::vector<instruction> code;
  std::uint32_t registers = specials;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> constants;  ///< registers with a constant value
  std::size_t parameter_bytes = 0, local_bytes = 0, shared_bytes = 0;
};

/// A module's PTX. Its kernels are translated when they are first requested.
class program {
 public:
  /// Allocates the module's variables in device memory.
  program(std::string text, device_memory& memory);
  const std::string& text() const { return text_; }
  bool has(std::string_view name) const { return functions_.contains(name); }
  std::size_t variables() const { return variables_in_memory_; }
  const kernel& find(std::string_view name);

  /// The address of a variable or parameter.
  struct location {
    space where;
    std::uint64_t address;
  };

 private:
  friend class translation;
  struct function {
    std::string_view parameters, result, body;  // unparsed text
  };

  std::string text_;
  std::map<std::string_view, function> functions_;
  std::map<std::string_view, location> variables_;
  std::map<std::string_view, kernel> ready_;
  std::size_t variables_in_memory_ = 0;
};

}  // namespace pretext::tests::ptx
