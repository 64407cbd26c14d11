// Writes the built-in images as PNG files, optionally in one folder per class: to look at them, or to try a
// program on files.
//   draw_builtin --count 100 --side 32 --out pictures [--classes]
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include <pretext/data/builtin.hpp>
#include <pretext/io/file.hpp>
#include <pretext/io/png.hpp>

#include "support/command_line.hpp"
#include "support/exit_status.hpp"

int main(int argc, char** argv) {
  pretext::builtin_source::options options{.count = 100, .seed = 7};
  std::filesystem::path out = "pictures";
  bool classes = false;
  CLI::App app{"Writes pretext's built-in images as PNG files."};
  programs::add_option(app, {"", &options.count, "--count"}, "number of images");
  programs::add_option(app, {"", &options.side, "--side", "", programs::between{1, 4096}},
                       "height and width in pixels");
  programs::add_option(app, {"", &options.seed, "--seed"}, "");
  app.add_option("--out", out)->capture_default_str();
  app.add_flag("--classes", classes, "one subfolder per class");
  CLI11_PARSE(app, argc, argv);
  return programs::run_program("draw_builtin", [&] {
    const pretext::builtin_source source{options};
    pretext::image picture;
    for (std::size_t i = 0; i < source.size(); ++i) {
      source.read(i, picture);
      const auto folder =
          classes ? out / source.class_names()[static_cast<std::size_t>(source.label(i))] : out;
      std::filesystem::create_directories(folder);
      char name[32];
      std::snprintf(name, sizeof name, "%06zu.png", i);
      pretext::write_atomically(folder / name, pretext::encode_png(picture));
    }
    return 0;
  });
}
