// Tar archives of images: opening and reading them ends with samples of the sizes that the archive has, or
// with a sentence about the archive.
#include "fuzz/fuzz.hpp"

#include <pretext/data/shard_source.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pretext;
  const tests::memory_file file{{data, size}};
  const std::string name = file.path().string();
  tests::expect_value_or_sentence(name, [&] {
    std::uint64_t bytes = 0;
    for_each_tar_entry(input_file{file.path()}, [&](const tar_entry& entry) {
      tests::require(entry.offset <= size && entry.size <= size - entry.offset,
                     "a file is within its archive");
      bytes += entry.size;
    });
    tests::require(bytes <= size, "the files of an archive do not overlap");
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
