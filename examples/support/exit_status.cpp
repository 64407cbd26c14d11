#include "exit_status.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>
#include <pretext/distributed/launch.hpp>
#include <pretext/io/bad_image.hpp>
#include <pretext/io/utf8.hpp>

#include "compiled_parts.hpp"

namespace programs {
namespace {

/// Files that are opened later must not become stdin, stdout or stderr: messages would be written into them.
void open_standard_descriptors() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(number, F_GETFD) < 0 && errno == EBADF) {
      const int null = open("/dev/null", O_RDWR);  // the lowest free number, which is this one
      if (null > STDERR_FILENO) close(null);
    }
}

/// The standard library's own exceptions name a function ("stoull", "vector::reserve") and nothing else.
bool names_a_function(std::string_view message) {
  if (message.find(' ') == message.npos) return true;
  for (const std::string_view library : {"std::", "basic_string", "vector::", "deque::", "array::", "map::"})
    if (message.starts_with(library)) return true;
  return false;
}

std::string raw_sentence(const std::exception& error) {
  const std::string message = error.what();
  const bool no_memory = dynamic_cast<const std::bad_alloc*>(&error) && names_a_function(message);
  if (no_memory || dynamic_cast<const std::length_error*>(&error))
    return "there is not enough memory; try a smaller --batch, smaller images, a smaller encoder or fewer "
           "--threads";
  if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&error))
    return file->path1().string() + ": " + file->code().message();
  if (dynamic_cast<const nlohmann::json::exception*>(&error)) {
    const auto kind = message.find("] ");  // of "[json.exception.type_error.316] invalid UTF-8 byte ..."
    return "JSON: " + (kind == message.npos ? message : message.substr(kind + 2));
  }
  if (!names_a_function(message)) return message;
  if (const auto* system = dynamic_cast<const std::system_error*>(&error)) return system->code().message();
  return "an error inside of the program; please report it with the command line";
}

}  // namespace

std::string sentence_of(const std::exception& error) {
  return pretext::detail::printable(raw_sentence(error));
}

int run_program(const std::string& name, const std::function<int()>& body, bool on_ranks) {
  program_target() = name.substr(0, name.find(' '));
  open_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  std::string problem;
  int status = exit_failed;
  try {
    if (!on_ranks)
      pretext::distributed::expects_one_rank(
          pretext::distributed::launch_from_environment(), name,
          "it does not divide its work among ranks; start it once, without a launcher");
    status = body();
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      status = exit_failed;
      problem = "what it prints could not be written to stdout";
    }
  } catch (const pretext::bad_image& error) {
    problem = sentence_of(error) + "; --on-bad-image skip goes on without such images";
  } catch (const std::exception& error) { problem = sentence_of(error); } catch (...) {
    problem = "an error inside of the program; please report it with the command line";
  }
  if (!problem.empty()) std::fprintf(stderr, "%s: %s\n", name.c_str(), problem.c_str());
  return status;
}

void end_at_once(int status) {
  std::fflush(stdout);
  std::fflush(stderr);
  std::_Exit(status);
}

}  // namespace programs
