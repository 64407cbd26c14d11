// Writes gray images that resemble an inspection of surfaces as PNG files, in the folders <out>/train/<class>
// and <out>/test/<class>: half of them are good, the others have a scratch, spots, a dent, a crack or a
// missing patch.
//   draw_inspection --out surfaces
//   pretrain simclr --data surfaces --channels 1 --out out/surfaces
//   evaluate --run out/surfaces
#include <cstdio>
#include <filesystem>

#include <pretext/data/inspection_images.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/png.hpp>

#include "support/command_line.hpp"
#include "support/exit_status.hpp"

namespace {

void write(const std::filesystem::path& folder, const pretext::inspection_source& source) {
  pretext::image picture;
  for (std::size_t i = 0; i < source.size(); ++i) {
    source.read(i, picture);
    const auto of_class = folder / source.class_names()[static_cast<std::size_t>(source.label(i))];
    std::filesystem::create_directories(of_class);
    char name[32];
    std::snprintf(name, sizeof name, "%06zu.png", i);
    pretext::write_atomically(of_class / name, pretext::encode_png(picture));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t train = 2000, test = 1000;
  pretext::inspection_source::options options{.seed = 7};
  std::filesystem::path out = "surfaces";
  programs::program_options line{"Writes gray images that resemble an inspection of surfaces."};
  line.add({"", &train, "--train"}, "images to learn from");
  line.add({"", &test, "--test"}, "images to evaluate on");
  line.add({"", &options.side, "--side", "", programs::between{16, 4096}}, "height and width in pixels");
  line.add({"", &options.seed, "--seed"}, "");
  line.add("--out", out);
  if (const auto status = line.parse(argc, argv)) return *status;
  return programs::run_program("draw_inspection", [&] {
    options.count = train;
    write(out / "train", pretext::inspection_source{options});
    options.count = test;
    options.first = std::uint64_t{1} << 32;
    write(out / "test", pretext::inspection_source{options});
    return 0;
  });
}
