// Packs a folder of images into tar archives as WebDataset reads and writes them, so that training reads its
// disk or network drive in large blocks. Any other data set that the programs read is packed as PNG files.
//   pack --data photos/ --out packed/
//   pretrain simclr --data packed/ --out out/photos
//
// Writes to --out: shard-000000.tar and so on, with images under their suffixes, such as KEY.jpg, and, for a
// labelled image, its class number in KEY.cls; classes.txt with the names of the classes. If the data set has
// a test part, to train/ and test/ there.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <pretext/data/class_list.hpp>
#include <pretext/data/open.hpp>
#include <pretext/data/permutation.hpp>
#include <pretext/data/tar_writer.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/png.hpp>

#include "support/command_line.hpp"
#include "support/counted.hpp"
#include "support/exit_status.hpp"

#include "image_readers.hpp"  // stamped by CMake: the readers of other formats that were found

using namespace pretext;

namespace {

struct pack_options {
  std::size_t shard_bytes = std::size_t{256} << 20;
  std::uint64_t seed = 1;
  bool keep_order = false;
};

struct image_file {
  std::vector<std::byte> bytes;
  std::string suffix;
};

/// An image's file; for an image without a file of its own, a PNG file.
image_file file_of(const any_source& source, std::size_t index) {
  const std::filesystem::path path{source.name(index)};
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error))
    return {read_file(path), detail::lower_case(path.extension().string())};
  image picture;
  source.read(index, picture);
  return {encode_png(picture), ".png"};
}

std::string numbered(const char* pattern, std::size_t number) {
  char text[32];
  std::snprintf(text, sizeof text, pattern, number);
  return text;
}

void pack_part(const any_source& source, const std::filesystem::path& folder, const pack_options& options) {
  for (const auto& sentence : describe(source.left_out())) std::fprintf(stderr, "%s\n", sentence.c_str());
  std::filesystem::create_directories(folder);
  if (!source.class_names().empty()) write_class_list(folder / class_list_name, source.class_names());
  const permutation shuffled{source.size(), options.seed, 0};
  std::optional<tar_writer> archive;
  std::size_t archives = 0;
  for (std::size_t position = 0; position < source.size(); ++position) {
    const std::size_t index = options.keep_order ? position : shuffled[position];
    const auto [file, suffix] = file_of(source, index);
    if (archive && archive->size() + file.size() + 4096 > options.shard_bytes) {
      archive->commit();
      archive.reset();
    }
    if (!archive) archive.emplace(folder / numbered("shard-%06zu.tar", archives++));
    const std::string key = numbered("%09zu", position);
    if (const int label = source.label(index); label >= 0) {
      const std::string digits = std::to_string(label);
      archive->add(key + ".cls", std::as_bytes(std::span{digits}));
    }
    archive->add(key + suffix, file);
  }
  if (archive) archive->commit();
  std::fprintf(stderr, "%s in %s in %s\n", programs::counted(source.size(), "image").c_str(),
               programs::counted(archives, "archive").c_str(), folder.c_str());
}

void pack(const std::filesystem::path& data, const std::filesystem::path& out, const pack_options& options) {
  if (std::filesystem::exists(out) && !std::filesystem::is_empty(out))
    throw_error<std::runtime_error>(out.string(), ": exists and is not empty; give another --out");
  const bool has_test = has_test_part(data);
  pack_part(open_source(data), has_test ? out / "train" : out, options);
  if (has_test) pack_part(open_source(data, {.part = dataset_split::test}), out / "test", options);
}

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path data, out;
  pack_options options;
  programs::program_options line{"Packs images into tar archives as WebDataset writes them."};
  line.add("--data", data, "a folder of images, or another data set of the programs").required();
  line.add("--out", out, "folder for the archives, which must be empty").required();
  line.add({"", &options.shard_bytes, "--shard-bytes", "", programs::between{1, 1.1e12}},
           "largest size of an archive of more than one image");
  line.add({"", &options.seed, "--seed"}, "of the order in which images are packed");
  line.add_flag("--keep-order", options.keep_order, "pack in the order of the data set instead");
  if (const auto status = line.parse(argc, argv)) return *status;
  return programs::run_program("pack", [&] {
    pack(data, out, options);
    return 0;
  });
}
