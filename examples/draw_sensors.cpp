// Writes 16-bit gray images that resemble electroluminescence of solar cells as PNG files, in the folders
// <out>/train/<defect> and <out>/test/<defect>: images whose range pretrain simclr measures.
//   draw_sensors --out cells
//   pretrain simclr --data cells --channels 1 --levels data --normalise data --out out/cells
//   evaluate --run out/cells
#include <cstdio>
#include <filesystem>

#include <pretext/data/sensor_images.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/png.hpp>

#include "support/command_line.hpp"
#include "support/exit_status.hpp"

namespace {

void write(const std::filesystem::path& folder, const pretext::sensor_source& source) {
  pretext::image picture;
  for (std::size_t i = 0; i < source.size(); ++i) {
    source.read(i, picture);
    const auto defect = folder / source.class_names()[static_cast<std::size_t>(source.label(i))];
    std::filesystem::create_directories(defect);
    char name[32];
    std::snprintf(name, sizeof name, "%06zu.png", i);
    pretext::write_atomically(defect / name, pretext::encode_png(picture));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t train = 2000, test = 600;
  pretext::sensor_source::options options{.seed = 7};
  std::filesystem::path out = "cells";
  programs::program_options line{
      "Writes 16-bit gray images that resemble electroluminescence of solar cells."};
  line.add({"", &train, "--train"}, "images to learn from");
  line.add({"", &test, "--test"}, "images to evaluate on");
  line.add({"", &options.side, "--side", "", programs::between{1, 4096}}, "height and width in pixels");
  line.add({"", &options.seed, "--seed"}, "");
  line.add("--out", out);
  if (const auto status = line.parse(argc, argv)) return *status;
  return programs::run_program("draw_sensors", [&] {
    options.count = train;
    write(out / "train", pretext::sensor_source{options});
    options.count = test;
    options.first = std::uint64_t{1} << 32;
    write(out / "test", pretext::sensor_source{options});
    return 0;
  });
}
