// Writes the built-in images as PNG files, optionally in one folder per class: to look at them, or to try a
// program on files.
//   draw_builtin --count 100 --side 32 --out pictures [--classes] [--noise 20]
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include <pretext/core/distributions.hpp>
#include <pretext/core/random.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/png.hpp>

#include "support/command_line.hpp"
#include "support/exit_status.hpp"

int main(int argc, char** argv) {
  pretext::builtin_source::options options{.count = 100, .seed = 7};
  std::filesystem::path out = "pictures";
  bool classes = false;
  programs::program_options line{"Writes pretext's built-in images as PNG files."};
  line.add({"", &options.count, "--count"}, "number of images");
  line.add({"", &options.side, "--side", "", programs::between{1, 4096}}, "height and width in pixels");
  line.add({"", &options.seed, "--seed"}, "");
  line.add("--out", out);
  line.add_flag("--classes", classes, "one subfolder per class");
  std::size_t noise = 0;
  line.add({"", &noise, "--noise"}, "images of gray noise besides, in the folder noise");
  if (const auto status = line.parse(argc, argv)) return *status;
  return programs::run_program("draw_builtin", [&] {
    const pretext::builtin_source source{options};
    pretext::image picture;
    const auto write = [&](const std::filesystem::path& folder, std::size_t number) {
      std::filesystem::create_directories(folder);
      char name[32];
      std::snprintf(name, sizeof name, "%06zu.png", number);
      pretext::write_atomically(folder / name, pretext::encode_png(picture));
    };
    for (std::size_t i = 0; i < source.size(); ++i) {
      source.read(i, picture);
      write(classes ? out / source.class_names()[static_cast<std::size_t>(source.label(i))] : out, i);
    }
    for (std::size_t i = 0; i < noise; ++i) {
      std::uint32_t position = 0;
      for (std::uint8_t& value : picture.resize<std::uint8_t>(options.side, options.side, 1))
        value = static_cast<std::uint8_t>(std::clamp(
            128 + 20 * pretext::standard_normal({.seed = options.seed, .sample = i}, position++), 0., 255.));
      write(out / "noise", i);
    }
    return 0;
  });
}
