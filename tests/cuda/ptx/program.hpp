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

// PTX as nvcc writes it for the kernels of kernels/gpu: what the interpreter beside this file runs. Whatever
// it does not know it says by name; it guesses nothing.
namespace pretext::tests::ptx {

/// What a GPU, its driver or compute-sanitizer would object to, or what the interpreter does not know.
struct fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline constexpr unsigned lanes = 32;
/// One register of a warp: as many bits of each lane's as its type has, the others are of no meaning.
using row = std::array<std::uint64_t, lanes>;

/// Where memory lies for an instruction. `generic` addresses are those of global memory, and windows for the
/// others.
enum class space : std::uint8_t { global, constant, generic, shared, local, parameters };
inline constexpr std::uint64_t shared_window = std::uint64_t{1} << 60, local_window = std::uint64_t{1} << 61;

class warp;
struct instruction;
using action = void (*)(warp&, const instruction&);

/// One instruction: numbers of registers, and what it does with them.
struct instruction {
  enum class kind : std::uint8_t { ordinary, branch, end, barrier } is = kind::ordinary;
  bool unless = false;      ///< the guard is to be false
  bool together = false;    ///< all threads of a warp must do it at once
  std::uint32_t guard = 0;  ///< a register; 0 is always true
  action act = nullptr;     ///< of an ordinary one
  std::vector<std::uint32_t> to{}, from{};
  std::int64_t offset = 0;   ///< of the address in from[0]
  std::uint32_t target = 0;  ///< of a branch: the index of an instruction
  std::string text{};
};

/// The registers that every kernel begins with: special ones, and what `add.cc` carries.
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
  std::vector<std::pair<std::uint32_t, std::uint64_t>> constants;  ///< registers and their only value
  std::size_t parameter_bytes = 0, local_bytes = 0, shared_bytes = 0;
};

/// The text of a module, and of it, as kernels are asked for, what can run.
class program {
 public:
  /// Puts the variables of the module into the device's memory.
  program(std::string text, device_memory& memory);
  bool has(std::string_view name) const { return functions_.contains(name); }
  std::size_t variables() const { return variables_in_memory_; }
  const kernel& find(std::string_view name);

  /// A variable or a parameter.
  struct context {
    space where;
    std::uint64_t address;
  };

 private:
  friend class translation;
  struct function {
    std::string_view parameters, result, body;  // texts
  };

  std::string text_;
  std::map<std::string_view, function> functions_;
  std::map<std::string_view, context> variables_;
  std::map<std::string_view, kernel> ready_;
  std::size_t variables_in_memory_ = 0;
};

}  // namespace pretext::tests::ptx
