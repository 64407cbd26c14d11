// Writes the features of all images of a folder, for programs of your own: NumPy, CSV or safetensors.
//   embed --run out/photos --data photos/ --format npy
//
// Writes to --out: features.npy (rows, values) and names.txt with the file of each row, or features.csv with
// the file in the first column, or features.safetensors with the tensor "features" and the files in the
// metadata "names"; report.html with the features in two dimensions. Prints one line "result: {...}".
#include <cstdio>
#include <span>
#include <string>

#include <pretext/io/file.hpp>
#include <pretext/io/safetensors.hpp>

#include "support/command_line.hpp"
#include "support/counted.hpp"
#include "support/exit_status.hpp"
#include "support/feature_plot.hpp"
#include "support/result_line.hpp"
#include "support/trained_encoder.hpp"

using namespace programs;
using namespace pretext;

namespace {

/// NumPy's format 1.0: a header of text, then the values.
std::string npy_of(const feature_table& features) {
  std::string header = str_cat("{'descr': '<f4', 'fortran_order': False, 'shape': (", features.count, ", ",
                               features.width, "), }");
  header.append(63 - (10 + header.size()) % 64, ' ').push_back('\n');
  std::string file{"\x93NUMPY\x01", 7};
  file += '\0';
  file += static_cast<char>(header.size() % 256);
  file += static_cast<char>(header.size() / 256);
  file += header;
  const auto bytes = std::as_bytes(std::span{features.values});
  return file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string csv_of(const encoded_images& images) {
  std::string text = "image";
  for (std::size_t c = 0; c < images.features.width; ++c) text += str_cat(",", c);
  for (std::size_t i = 0; i < images.features.count; ++i) {
    text += '\n' + csv_field(images.names[i]);
    for (std::size_t c = 0; c < images.features.width; ++c) text += str_cat(",", images.features.row(i)[c]);
  }
  return text + '\n';
}

void write_features(const encoded_images& images, const std::string& format, const feature_options& options) {
  if (format == "npy") {
    std::string names;
    for (const auto& name : images.names) names += name + '\n';
    write_result(options, "features.npy", npy_of(images.features));
    write_result(options, "names.txt", names);
  } else if (format == "csv") {
    write_result(options, "features.csv", csv_of(images));
  } else {
    const auto& [count, width, values, labels] = images.features;
    safetensors file;
    file.metadata = {{"names", json_array(images.names)}};
    file.tensors["features"] = safetensor::of<float>({count, width}, values);
    if (images.has_labels()) {
      file.metadata["classes"] = json_array(images.source.class_names());
      std::vector<std::int64_t> wide(labels.begin(), labels.end());
      file.tensors["labels"] = safetensor::of<std::int64_t>({count}, wide);
    }
    write_safetensors(options.out / "features.safetensors", file);
  }
}

int run(const feature_options& options, const std::string& format) {
  trained_encoder trained = open_trained_encoder(options);
  const encoded_images images = encode_images(trained, options.data, options);
  write_features(images, format, options);
  report page =
      feature_report("Features of " + counted(images.features.count, "image"), trained, images, options);
  const cpu::stream stream{options.compute.threads};
  if (images.features.count > 2) {
    page.summary = collapse_finding(images.features, stream);
    page.embedding = feature_scatter(images, stream);
  }
  write_feature_report(page, options);
  print_result({{"images", images.features.count},
                {"width", images.features.width},
                {"left_out", images.left_out.size()}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  feature_options options{.out = "out/embed"};
  std::string format = "npy";
  program_options line{"Writes the features of all images of a folder."};
  add_feature_options(line, options, "a folder of images; default: those of the run");
  line.add({"", &format, "--format", "", one_of{{"npy", "csv", "safetensors"}}}, "file of the features");
  return run_feature_program(line, options, argc, argv, [&] { return run(options, format); });
}
