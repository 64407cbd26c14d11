// Classifies the images of a folder from few labelled ones.
//   classify --run out/photos --labelled labelled/ --data photos/
//     labelled/ has a folder of images for each class
//   classify --run out/photos --labelled selected.csv --data photos/
//     lines "image,class", such as `select` writes, name images of --data
//   classify --run out/photos --probe out/classify/probe.safetensors --data more/
//     the classifier of an earlier call
//
// Writes to --out: predictions.csv, a line for each image with its class and its probability;
// probe.safetensors, the classifier with its scaling, for later calls and for `feature_classifier` in C++;
// report.html. Where the images have classes of the same names, measures how many are right. Prints one line
// "result: {...}".
#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <pretext/evaluation/classification_metrics.hpp>
#include <pretext/evaluation/linear_probe.hpp>
#include <pretext/io/utf8.hpp>

#include "support/command_line.hpp"
#include "support/exit_status.hpp"
#include "support/metrics_report.hpp"
#include "support/result_line.hpp"
#include "support/trained_encoder.hpp"

using namespace programs;
using namespace pretext;

namespace {

struct classify_options {
  std::string labelled;
  std::filesystem::path probe;
  std::size_t steps = 500;
  double weight_decay = 0.01;
};

/// Labelled features, the names of their classes, and which of the images to classify they are.
struct labelled_images {
  feature_table features;
  std::vector<std::string> classes;
  std::set<std::size_t> rows{};  // of the images of --data
};

void expects_classes(const labelled_images& labelled, const std::string& origin) {
  const std::set<int> found{labelled.features.labels.begin(), labelled.features.labels.end()};
  if (found.size() < 2)
    throw_error<std::runtime_error>(origin, ": has labelled images of ", found.size(),
                                    found.size() == 1 ? " class" : " classes",
                                    "; at least two classes are needed");
}

labelled_images labels_of_csv(const std::string& file, const encoded_images& images) {
  std::map<std::string, std::size_t> row_of;
  for (std::size_t i = 0; i < images.names.size(); ++i) row_of[images.names[i]] = i;
  std::map<std::string, std::vector<std::size_t>> rows_of_class;
  std::size_t unknown = 0;
  std::string example;
  for (const auto& line : read_csv(file)) {
    if (line.size() < 2 || line[1].empty() || (line[0] == "image" && line[1] == "class")) continue;
    if (const auto found = row_of.find(line[0]); found != row_of.end())
      rows_of_class[line[1]].push_back(found->second);
    else if (unknown++ == 0)
      example = line[0];
  }
  if (unknown > 0)
    std::fprintf(stderr, "%s: %zu lines name no image of the folder, such as %s\n",
                 pretext::detail::printable(file).c_str(), unknown,
                 pretext::detail::printable(example).c_str());
  labelled_images labelled{{0, images.features.width, {}, {}}, {}};
  for (const auto& [name, rows] : rows_of_class) {
    for (const std::size_t row : rows) {
      labelled.features.values.insert(labelled.features.values.end(), images.features.row(row),
                                      images.features.row(row) + images.features.width);
      labelled.features.labels.push_back(static_cast<int>(labelled.classes.size()));
      labelled.rows.insert(row);
    }
    labelled.classes.push_back(name);
  }
  labelled.features.count = labelled.features.labels.size();
  expects_classes(labelled, file);
  return labelled;
}

labelled_images labels_of_folder(trained_encoder& trained, const std::string& folder,
                                 feature_options options) {
  options.images = 0;
  const encoded_images images = encode_images(trained, folder, options);
  labelled_images labelled{{0, images.features.width, {}, {}}, images.source.class_names()};
  for (std::size_t i = 0; i < images.features.count; ++i) {
    if (images.features.labels[i] < 0) continue;
    labelled.features.values.insert(labelled.features.values.end(), images.features.row(i),
                                    images.features.row(i) + images.features.width);
    labelled.features.labels.push_back(images.features.labels[i]);
  }
  labelled.features.count = labelled.features.labels.size();
  expects_classes(labelled, folder);
  return labelled;
}

feature_classifier train(const labelled_images& labelled, const classify_options& how,
                         const cpu::stream& stream) {
  const std::size_t batch = std::min<std::size_t>(256, labelled.features.count),
                    per_epoch = (labelled.features.count + batch - 1) / batch;
  const linear_probe probe{.epochs = std::max<std::size_t>(1, how.steps / per_epoch),
                           .batch = batch,
                           .rate = 0.1 * 256 / static_cast<double>(batch),  // 0.1 for any batch
                           .weight_decay = how.weight_decay,
                           .scaling = probe_scaling::unit_length};
  feature_classifier trained = probe.train(labelled.features, stream, labelled.classes.size()).classifier;
  trained.class_names = labelled.classes;
  return trained;
}

feature_classifier load(const std::filesystem::path& file, const std::string& encoder, std::size_t width) {
  feature_classifier loaded = load_feature_classifier(file);
  const auto metadata = read_safetensors_metadata(file);
  const auto made_for = metadata.find("encoder_hash");
  if (loaded.width != width || (made_for != metadata.end() && made_for->second != encoder))
    throw_error<std::runtime_error>(file.string(),
                                    ": was trained on the features of another encoder; give --labelled to "
                                    "train on those of this one");
  if (loaded.class_names.empty())
    for (std::size_t c = 0; c < loaded.classes(); ++c) loaded.class_names.push_back(std::to_string(c));
  return loaded;
}

/// The figures on the images that have a class of the same name and were not trained on.
std::optional<classification_metrics> measure(const encoded_images& images, const labelled_images& labelled,
                                              const std::vector<float>& probabilities,
                                              std::vector<std::string>& classes) {
  std::vector<int> label_of;
  const std::size_t known = classes.size();
  for (const auto& name : images.source.class_names()) {
    const auto found = std::ranges::find(classes, name);
    label_of.push_back(static_cast<int>(found - classes.begin()));
    if (found == classes.end()) classes.push_back(name);
  }
  std::vector<int> labels;
  std::vector<float> scores;
  bool any_known = false;
  for (std::size_t i = 0; i < images.features.count; ++i) {
    const int label = images.features.labels[i];
    if (label < 0 || labelled.rows.contains(i)) continue;
    labels.push_back(label_of[static_cast<std::size_t>(label)]);
    any_known = any_known || static_cast<std::size_t>(labels.back()) < known;
    const auto row = probabilities.begin() + static_cast<std::ptrdiff_t>(i * known);
    scores.insert(scores.end(), row, row + static_cast<std::ptrdiff_t>(known));
  }
  if (!any_known) return std::nullopt;
  return measure_classification(labels, scores, known);
}

int run(const feature_options& options, const classify_options& how) {
  expects(how.labelled.empty() != how.probe.empty(),
          "give --labelled with labelled images, or --probe with the file of a classifier");
  trained_encoder trained = open_trained_encoder(options);
  const encoded_images images = encode_images(trained, options.data, options);
  const cpu::stream stream{options.compute.threads};
  const std::string encoder = encoder_hash(trained);
  labelled_images labelled;
  feature_classifier classifier;
  if (how.probe.empty()) {
    std::error_code error;
    labelled = std::filesystem::is_directory(how.labelled, error)
                   ? labels_of_folder(trained, how.labelled, options)
                   : labels_of_csv(how.labelled, images);
    classifier = train(labelled, how, stream);
    save_feature_classifier(options.out / "probe.safetensors", classifier,
                            {{"encoder", trained.config.encoder}, {"encoder_hash", encoder}});
  } else {
    classifier = load(how.probe, encoder, images.features.width);
  }
  const auto probabilities = classifier.probabilities(images.features, stream);
  const std::size_t known = classifier.classes();
  const auto row_of = [&](std::size_t i) { return std::span{probabilities}.subspan(i * known, known); };
  std::vector<std::vector<std::size_t>> called(known);
  std::string csv = "image,class,probability\n";
  for (std::size_t i = 0; i < images.features.count; ++i) {
    const auto best = std::ranges::max_element(row_of(i));
    const auto c = static_cast<std::size_t>(best - row_of(i).begin());
    called[c].push_back(i);
    csv += str_cat(csv_field(images.names[i]), ",", csv_field(classifier.class_names[c]), ",", *best, "\n");
  }
  write_result(options, "predictions.csv", csv);

  report page = feature_report("Classified images", trained, images, options);
  page.summary = how.probe.empty()
                     ? str_cat("A linear classifier of the encoder's features, trained on ",
                               labelled.features.count, " labelled images of ", known, " classes.")
                     : str_cat("The classifier ", how.probe.string(), ".");
  for (std::size_t c = 0; c < known; ++c) {
    auto& rows = called[c];
    const auto probability = [&](std::size_t i) { return probabilities[i * known + c]; };
    std::ranges::sort(rows, [&](std::size_t a, std::size_t b) {
      return probability(a) != probability(b) ? probability(a) > probability(b) : a < b;
    });
    std::printf("  %zu %s\n", rows.size(), pretext::detail::printable(classifier.class_names[c]).c_str());
    if (c >= 50 || rows.empty()) continue;
    image_sheet sheet{str_cat(classifier.class_names[c], ": ", rows.size(),
                              " images; the most probable ones, then the least probable ones."),
                      8,
                      {},
                      {},
                      "Classes",
                      "The least probable images are the next ones worth labelling."};
    for (std::size_t k = 0; k < std::min<std::size_t>(8, rows.size()); ++k)
      sheet.images.push_back(thumbnail(images.source, rows[k]));
    for (std::size_t k = std::max<std::size_t>(8, rows.size() - std::min<std::size_t>(8, rows.size()));
         k < rows.size(); ++k)
      sheet.images.push_back(thumbnail(images.source, rows[k]));
    page.sheets.push_back(std::move(sheet));
  }
  std::vector<result_member> result{{"images", images.features.count},
                                    {"labelled", labelled.features.count},
                                    {"classes", known},
                                    {"left_out", images.left_out.size()}};
  auto classes = classifier.class_names;
  if (const auto metrics = measure(images, labelled, probabilities, classes)) {
    add_tables(page, *metrics, classes, "images that were not trained on");
    result.insert(result.end(), {accuracy_of(*metrics), balanced_accuracy_of(*metrics), auroc_of(*metrics)});
  }
  write_feature_report(page, options);
  print_result(result);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  feature_options options{.out = "out/classify"};
  classify_options how;
  program_options line{"Classifies the images of a folder from few labelled ones."};
  add_feature_options(line, options, "the images to classify; default: those of the run");
  line.add("--labelled", how.labelled,
           "labelled images: a folder with a folder for each class, or a CSV file of lines image,class");
  line.add("--probe", how.probe, "the classifier of an earlier call, probe.safetensors, instead");
  line.add({"", &how.steps, "--steps", "", between{1, 1e6}}, "steps of the training");
  line.add({"", &how.weight_decay, "--weight-decay", "", non_negative{}}, "of the training");
  return run_feature_program(line, options, argc, argv, [&] { return run(options, how); });
}
