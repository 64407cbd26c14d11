#pragma once
// What the fuzz targets share. A target is one source file with LLVMFuzzerTestOneInput: it gives the bytes to
// a reader, which must return or throw one of its documented exceptions with a sentence. Anything else ends
// the process.
#include <sys/mman.h>
#include <unistd.h>

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace pretext::tests {

/// A file in memory with a name that readers can open; it is deleted with the object.
class memory_file {
 public:
  explicit memory_file(std::span<const std::uint8_t> bytes) : number_{::memfd_create("input", MFD_CLOEXEC)} {
    if (number_ < 0) std::abort();
    while (!bytes.empty()) {
      const auto count = ::write(number_, bytes.data(), bytes.size());
      if (count <= 0) std::abort();
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  memory_file(const memory_file&) = delete;
  memory_file& operator=(const memory_file&) = delete;
  ~memory_file() { ::close(number_); }

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(number_); }

 private:
  int number_;
};

/// Runs a reader. It may throw Error, whose message must contain `name`, be at most 2000 bytes long and hold
/// no control characters, which would reach the user's terminal.
template <class Error = std::runtime_error, class Read>
void expect_value_or_sentence(std::string_view name, Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    const std::string_view sentence = error.what();
    bool printable = true;
    for (const char c : sentence) printable &= !std::iscntrl(static_cast<unsigned char>(c)) || c == '\n';
    if (!printable || sentence.size() > 2000 || sentence.find(name) == std::string_view::npos) {
      std::fprintf(stderr, "this message is no sentence about %.*s: %s\n", static_cast<int>(name.size()),
                   name.data(), error.what());
      std::abort();
    }
  }
}

/// Fails the target unless a claim about what was read is true.
inline void require(bool claim, const char* sentence) {
  if (claim) return;
  std::fprintf(stderr, "broken claim: %s\n", sentence);
  std::abort();
}

}  // namespace pretext::tests
