#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "registers.hpp"

namespace pretext::tests::null_gpu {
namespace {

/// A file that is removed at the end.
struct temporary_file {
  std::filesystem::path path;
  explicit temporary_file(std::string_view name)
      : path{std::filesystem::temp_directory_path() / (std::to_string(getpid()) + std::string{name})} {}
  ~temporary_file() { std::filesystem::remove(path); }
};

}  // namespace

std::vector<std::pair<std::string, kernel_resources>> translate(const std::string& module,
                                                                std::string_view architecture) {
  const temporary_file text{"pretext.ptx"}, printed{"pretext.txt"};
  std::ofstream{text.path} << module;
  const std::string command = std::string{PRETEXT_PTXAS " -v -arch="} + std::string{architecture} +
                              " -o /dev/null " + text.path.string() + " > " + printed.path.string() + " 2>&1";
  const int status = std::system(command.c_str());
  std::stringstream read;
  read << std::ifstream{printed.path}.rdbuf();
  const std::string found = read.str();
  if (status != 0 || found.find("warning") != found.npos)
    throw std::runtime_error{command + ":\n" + found.substr(0, 2000)};
  return parse_ptxas(found);
}

}  // namespace pretext::tests::null_gpu
