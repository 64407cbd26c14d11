// Data sets of fixed records: CIFAR-10, CIFAR-100, STL-10, IDX, and text files of class names. The first byte
// selects the format and the second the length of a second file, which follows the first one.
#include "fuzz/fuzz.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include <pretext/data/open.hpp>
#include <pretext/io/file.hpp>

namespace {

using namespace pretext;
using bytes = std::span<const std::uint8_t>;

struct folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("pretext_fuzz_" + std::to_string(::getpid()));

  void write(std::string_view name, bytes content) const {
    std::filesystem::create_directories(path);
    std::filesystem::remove(path / name);
    write_atomically(path / name, std::as_bytes(content));
  }
};

void read_all(const any_source& source) {
  image out;
  for (std::size_t i = 0; i < std::min<std::size_t>(source.size(), 4); ++i) {
    source.read(i, out);
    tests::require(out.pixels.size() == image_view(out).bytes(), "the pixels fill the image");
    const int label = source.label(i);
    tests::require(
        label >= -1 && label < static_cast<int>(std::max<std::size_t>(source.class_names().size(), 256)),
        "a label is -1 or one of the classes");
    tests::require(!source.name(i).empty(), "an image has a name");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const bytes rest{data + 2, size - 2};
  const bytes second = rest.first(std::min<std::size_t>(data[1], rest.size())),
              first = rest.subspan(second.size());
  static const folder where;
  std::filesystem::remove_all(where.path);
  dataset_split part = dataset_split::train;
  switch (data[0] % 5) {
    case 0:
      for (const char number : {'1', '2', '3', '4', '5'})
        where.write(std::string{"data_batch_"} + number + ".bin", first);
      where.write("batches.meta.txt", second);
      break;
    case 1:
      where.write("train.bin", first);
      where.write("fine_label_names.txt", second);
      break;
    case 2:
      where.write("train_X.bin", first);
      where.write("train_y.bin", second);
      break;
    case 3:
      where.write("unlabeled_X.bin", first);
      where.write("class_names.txt", second);
      part = dataset_split::unlabeled;
      break;
    default:
      where.write("train-images-idx3-ubyte", first);
      where.write("train-labels-idx1-ubyte", second);
  }
  tests::expect_value_or_sentence(where.path.string(),
                                  [&] { read_all(open_source(where.path, {.part = part})); });
  return 0;
}
