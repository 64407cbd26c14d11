#include "registers.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace pretext::tests::null_gpu {
namespace {

constexpr std::string_view explanation =
    "# What ptxas makes of each kernel of the null GPU's steps; test.cuda.null_gpu --registers --write "
    "writes this "
    "file.\n"
    "# Numbers may only fall. Registers of a thread on five architectures, then bytes of its stack and bytes "
    "that it\n"
    "# spills, each on the architecture with the most.\n";
constexpr std::string_view columns = "sm_80 sm_86 sm_90a sm_100 sm_120 stack spilled kernel";

unsigned number_before(std::string_view line, std::string_view words) {
  const auto at = line.find(words);
  if (at == line.npos) return 0;
  const auto begin = line.find_last_not_of("0123456789", at - 1) + 1;
  return static_cast<unsigned>(std::atoi(std::string{line.substr(begin, at - begin)}.c_str()));
}

template <class Of>
unsigned most(const std::array<kernel_resources, architectures.size()>& all, Of of) {
  return std::ranges::max(all, {}, of).*of;
}

}  // namespace

void translated_kernels::add(const std::string& kernel, std::size_t architecture,
                             const kernel_resources& of) {
  kernel_resources& known = kernels[kernel][architecture];
  known.registers = std::max(known.registers, of.registers);
  known.stack_bytes = std::max(known.stack_bytes, of.stack_bytes);
  known.spilled_bytes = std::max(known.spilled_bytes, of.spilled_bytes);
}

std::vector<std::pair<std::string, kernel_resources>> parse_ptxas(std::string_view printed) {
  std::vector<std::pair<std::string, kernel_resources>> all;
  std::istringstream lines{std::string{printed}};
  for (std::string line; std::getline(lines, line);) {
    if (constexpr std::string_view before = "Compiling entry function '"; line.find(before) != line.npos) {
      const auto begin = line.find(before) + before.size();
      all.emplace_back(line.substr(begin, line.find('\'', begin) - begin), kernel_resources{});
    }
    if (all.empty()) continue;
    kernel_resources& of = all.back().second;
    of.stack_bytes = std::max(of.stack_bytes, number_before(line, " bytes stack frame"));
    of.spilled_bytes +=
        number_before(line, " bytes spill stores") + number_before(line, " bytes spill loads");
    of.registers = std::max(of.registers, number_before(line, " registers"));
  }
  return all;
}

translated_kernels read_registers(const std::filesystem::path& file) {
  std::ifstream text{file};
  if (!text)
    throw std::runtime_error{"cannot read " + file.string() +
                             ": call test.cuda.null_gpu --registers --write"};
  translated_kernels all;
  for (std::string line; std::getline(text, line);) {
    if (line.empty() || line[0] == '#' || line == columns) continue;
    std::istringstream words{line};
    if (std::string what; line[0] > '9') {
      words >> what >> all.toolkit;
      continue;
    }
    std::array<kernel_resources, architectures.size()> of{};
    for (kernel_resources& each : of) words >> each.registers;
    unsigned stack = 0, spilled = 0;
    words >> stack >> spilled;
    for (kernel_resources& each : of) each.stack_bytes = stack, each.spilled_bytes = spilled;
    std::string name;
    if (!std::getline(words >> std::ws, name))
      throw std::runtime_error{file.string() + " has a line without a kernel's numbers: " + line};
    all.kernels[name] = of;
  }
  return all;
}

void write_registers(const std::filesystem::path& file, const translated_kernels& all) {
  std::ofstream text{file};
  text << explanation << "toolkit " << all.toolkit << '\n' << columns << '\n';
  for (const auto& [name, of] : all.kernels) {
    for (const kernel_resources& each : of) text << each.registers << ' ';
    text << most(of, &kernel_resources::stack_bytes) << ' ' << most(of, &kernel_resources::spilled_bytes)
         << ' ' << name << '\n';
  }
  if (!text.flush()) throw std::runtime_error{"cannot write " + file.string()};
}

std::vector<std::string> increases(const translated_kernels& committed, const translated_kernels& now) {
  std::vector<std::string> found;
  for (const auto& [name, of] : now.kernels) {
    const auto known = committed.kernels.find(name);
    if (known == committed.kernels.end()) {
      found.push_back(name + ": a kernel without committed registers");
      continue;
    }
    if (now.toolkit != committed.toolkit) continue;
    const auto compare = [&](std::string_view what, unsigned before, unsigned after) {
      if (after > before)
        found.push_back(name + ": " + std::to_string(after) + " " + std::string{what} + ", of which " +
                        std::to_string(before) + " are committed");
    };
    for (std::size_t i = 0; i < architectures.size(); ++i)
      compare("registers on " + std::string{architectures[i]}, known->second[i].registers, of[i].registers);
    for (const auto& [what, which] : {std::pair{"bytes of stack", &kernel_resources::stack_bytes},
                                      std::pair{"spilled bytes", &kernel_resources::spilled_bytes}})
      compare(what, most(known->second, which), most(of, which));
  }
  return found;
}

}  // namespace pretext::tests::null_gpu
