// Tar archives of images: opening and reading them ends with samples of the sizes that the archive has, or
// with a sentence about the archive.
#include "fuzz/fuzz.hpp"

#include <cstring>
#include <vector>

#include <pretext/data/shard_source.hpp>

/// Makes the checksums of headers right, so that changes of other fields are seen.
static std::vector<std::uint8_t> with_checksums(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  for (std::size_t at = 0; at + 512 <= size; at += 512) {
    if (std::memcmp(bytes.data() + at + 257, "ustar", 5) != 0) continue;
    std::memset(bytes.data() + at + 148, ' ', 8);
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += bytes[at + i];
    char digits[8];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    std::memcpy(bytes.data() + at + 148, digits, 6);
  }
  return bytes;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pretext;
  const auto bytes = with_checksums(data, size);
  const tests::memory_file file{bytes};
  const std::string name = file.path().string();
  tests::expect_value_or_sentence(name, [&] {
    std::uint64_t total = 0;
    for_each_tar_entry(input_file{file.path()}, [&](const tar_entry& entry) {
      tests::require(entry.offset <= size && entry.size <= size - entry.offset,
                     "a file is within its archive");
      total += entry.size;
    });
    tests::require(total <= size, "the files of an archive do not overlap");
  });
  tests::expect_value_or_sentence(name, [&] {
    const shard_source source{
        {file.path()}, {}, {.decode = {.max_pixels = 100'000}, .block = 3, .memory = 4096}};
    image picture;
    for (std::size_t index = 0; index < source.size(); ++index) {
      tests::require(source.label(index) < static_cast<int>(source.class_names().size()),
                     "a label has a name");
      tests::expect_value_or_sentence<bad_image>(name, [&] { source.read(index, picture); });
    }
  });
  return 0;
}
