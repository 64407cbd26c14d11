// pictures.safetensors: what is read can be shown in a report, and what is written is read again.
#include "fuzz/fuzz.hpp"

#include <vector>

#include <pretext/io/file.hpp>
#include <pretext/report/pictures.hpp>

#include "../../examples/support/pictures.hpp"  // tests/support has a header of that name, too

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pretext;
  static const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("pretext_fuzz_pictures_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  write_atomically(folder / programs::pictures_file, std::as_bytes(std::span{data, size}));
  tests::expect_value_or_sentence(programs::pictures_file, [&] {
    const auto sheets = programs::read_pictures(folder);
    const std::string shown = page::sheets_section(sheets);
    programs::write_pictures(folder, sheets);
    tests::require(page::sheets_section(programs::read_pictures(folder)) == shown,
                   "written pictures are read again");
  });
  std::filesystem::remove_all(folder);
  return 0;
}
