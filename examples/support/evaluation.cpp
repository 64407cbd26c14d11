#include "evaluation.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include <pretext/evaluation/knn.hpp>
#include <pretext/evaluation/linear_probe.hpp>
#include <pretext/evaluation/neighbours.hpp>
#include <pretext/evaluation/projection.hpp>
#include <pretext/io/report.hpp>
#include <pretext/training/metrics.hpp>

#include "recipe.hpp"
#include "trainers.hpp"

namespace programs {
namespace {

using namespace pretext;

/// Subtracts the mean of the bank from both: without it all pixels point one way.
void centre(features& bank, features& queries) {
  std::vector<double> mean(bank.width);
  for (std::size_t i = 0; i < bank.values.size(); ++i)
    mean[i % bank.width] += static_cast<double>(bank.values[i]) / static_cast<double>(bank.count);
  for (features* some : {&bank, &queries})
    for (std::size_t i = 0; i < some->values.size(); ++i)
      some->values[i] -= static_cast<float>(mean[i % some->width]);
}

accuracies measure(const features& train, const features& test, const evaluation_options& how,
                   const cpu::stream& stream) {
  const knn vote{.k = how.neighbours, .temperature = how.temperature};
  accuracies found{vote.accuracy(train, test, stream), -1};
  if (how.linear_epochs > 0)
    found.linear =
        linear_probe{.epochs = how.linear_epochs, .scaling = probe_scaling::standardised}(train, test, stream).accuracy;
  return found;
}

image to_image(const float* rgb, std::size_t height, std::size_t width, const recipe& asked) {
  float mean[3] = {0, 0, 0}, deviation[3] = {1, 1, 1};
  if (asked.normalisation == "cifar") {
    const float m[3] = {.4914f, .4822f, .4465f}, d[3] = {.2470f, .2435f, .2616f};
    std::copy_n(m, 3, mean);
    std::copy_n(d, 3, deviation);
  } else if (asked.normalisation == "imagenet") {
    const float m[3] = {.485f, .456f, .406f}, d[3] = {.229f, .224f, .225f};
    std::copy_n(m, 3, mean);
    std::copy_n(d, 3, deviation);
  }
  image made{height, width, 3, std::vector<std::uint8_t>(height * width * 3)};
  for (std::size_t i = 0; i < made.pixels.size(); ++i)
    made.pixels[i] =
        static_cast<std::uint8_t>(std::clamp(rgb[i] * deviation[i % 3] + mean[i % 3], 0.f, 1.f) * 255 + .5f);
  return made;
}

std::string class_name(const any_source& source, int label) {
  const auto& names = source.class_names();
  return label >= 0 && static_cast<std::size_t>(label) < names.size() ? names[static_cast<std::size_t>(label)]
                                                                      : std::string{"?"};
}

/// The i-th of some images spread over a set, whether its classes stand one after another or take turns.
std::size_t spread(std::size_t i, std::size_t some, std::size_t all) { return (i * all / some + i) % all; }

image_sheet augmented_views(const recipe& asked, const datasets& data) {
  const auto trainer = make_simclr(asked, 1);
  const std::size_t shown = std::min<std::size_t>(8, data.train.size()), epochs = 3;
  const auto [height, width] = trainer->input_size();
  std::vector<image> pictures(shown);
  std::vector<image_view> views;
  std::vector<std::uint64_t> samples;
  for (std::size_t i = 0; i < shown; ++i) {
    samples.push_back(spread(i, shown, data.train.size()));
    data.train.read(samples.back(), pictures[i]);
    views.push_back(pictures[i]);
  }
  image_sheet sheet{
      "First row: images as they are. Below: the pairs of views that the first epochs made of them.",
      shown,
      {},
      {}};
  std::vector<float> originals;
  trainer->evaluation_views(views, originals);
  for (std::size_t i = 0; i < shown; ++i)
    sheet.images.push_back(to_image(originals.data() + i * height * width * 3, height, width, asked));
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    const auto made = trainer->make_views(views, samples, asked.seed, epoch);
    for (std::size_t i = 0; i < 2 * shown; ++i)
      sheet.images.push_back(to_image(made.data() + i * height * width * 3, height, width, asked));
  }
  return sheet;
}

std::vector<neighbour_row> neighbour_rows(const datasets& data, const findings& found,
                                          const cpu::stream& stream) {
  features queries{0, found.test.width, {}, {}};
  std::vector<std::size_t> chosen;
  const std::size_t rows = std::min<std::size_t>(10, found.test.count);
  for (std::size_t i = 0; i < rows; ++i) {
    chosen.push_back(spread(i, rows, found.test.count));
    queries.values.insert(queries.values.end(), found.test.row(chosen.back()),
                          found.test.row(chosen.back()) + found.test.width);
    queries.labels.push_back(found.test.labels[chosen.back()]);
    ++queries.count;
  }
  std::vector<neighbour_row> result;
  const std::size_t k = std::min<std::size_t>(8, found.train.count);
  const auto nearest = nearest_neighbours(found.train, queries, k, stream);
  for (std::size_t q = 0; q < queries.count; ++q) {
    neighbour_row row;
    data.test.read(chosen[q], row.query);
    row.label = class_name(data.test, queries.labels[q]);
    for (std::size_t i = 0; i < k; ++i) {
      const std::size_t index = nearest[q * k + i].index;
      neighbour_picture picture;
      data.train.read(index, picture.picture);
      picture.label = class_name(data.train, found.train.labels[index]);
      picture.right = found.train.labels[index] == queries.labels[q];
      row.nearest.push_back(std::move(picture));
    }
    result.push_back(std::move(row));
  }
  return result;
}

scatter_plot picture_of(const datasets& data, const findings& found, const cpu::stream& stream) {
  features shown{0, found.test.width, {}, {}};
  scatter_plot plot;
  const std::size_t points = std::min<std::size_t>(1500, found.test.count);
  for (std::size_t i = 0; i < points; ++i) {
    const std::size_t at = i * found.test.count / points;
    shown.values.insert(shown.values.end(), found.test.row(at), found.test.row(at) + found.test.width);
    plot.label.push_back(static_cast<std::size_t>(found.test.labels[at]));
    ++shown.count;
  }
  const auto plane = project_to_plane(shown, stream);
  plot.caption = sentence("First two principal components of the feature of ", points, " test images.");
  for (const auto& point : plane.points) {
    plot.x.push_back(static_cast<double>(point[0]));
    plot.y.push_back(static_cast<double>(point[1]));
  }
  plot.classes = data.test.class_names();
  return plot;
}

chart curve_of(const run_folder& folder, const std::string& column, const std::string& title,
               const std::string& unit, double factor = 1) {
  chart made{title, "epoch", unit, {{title, {}, {}}}, {}};
  for (const auto& [x, y] : read_metrics(folder.path() / "metrics.csv", "epoch", column)) {
    made.curves[0].x.push_back(x);
    made.curves[0].y.push_back(y * factor);
  }
  return made;
}

}  // namespace

findings evaluate(const run_folder& folder, const recipe& asked, const datasets& data,
                  const evaluation_options& how) {
  expects(labelled(data.train) && labelled(data.test),
          "evaluation needs labelled training and test images; give --data a folder with train/<class>/ and "
          "test/<class>/ inside");
  const auto start = std::chrono::steady_clock::now();
  const cpu::stream stream{how.threads};
  findings found;
  const auto trainer = make_simclr(asked, how.threads);
  {
    const auto train = encode(*trainer, data.train, how.threads),
               test = encode(*trainer, data.test, how.threads);
    found.untrained = measure(train, test, how, stream);
  }
  {
    auto train = pixels(*trainer, data.train, how.threads), test = pixels(*trainer, data.test, how.threads);
    centre(train, test);
    found.pixels = measure(train, test, how, stream);
  }
  folder.load_encoder(*trainer);
  found.train = encode(*trainer, data.train, how.threads);
  found.test = encode(*trainer, data.test, how.threads);
  found.trained = measure(found.train, found.test, how, stream);
  found.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return found;
}

void write_run_report(const run_folder& folder, const recipe& asked, const datasets& data,
                      const findings& found, const evaluation_options& how, const std::string& command_line) {
  const cpu::stream stream{how.threads};
  const run_summary summary = folder.read_summary();
  report page;
  page.title =
      sentence("SimCLR on ", data.train.size(), asked.data == "builtin" ? " built-in images" : " images");
  page.summary =
      sentence(asked.encoder, " at ", asked.image_size, " pixels, ", asked.epochs, " epochs without labels.");
  page.command_line = command_line;
  const auto number = [](double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", x);
    return std::string{text};
  };
  page.facts = {{"Method", "SimCLR (Chen et al. 2020)"},
                {"Encoder", asked.encoder},
                {"Training images", std::to_string(data.train.size())},
                {"Pretraining", number(summary.seconds) + " s"},
                {"Images per second",
                 number(static_cast<double>(summary.steps * asked.batch) / std::max(summary.seconds, 1e-9))},
                {"Activations and scratch", number(static_cast<double>(summary.peak_memory) / 1e6) + " MB"}};
  page.accuracies.columns = {sentence("kNN, k = ", how.neighbours)};
  if (how.linear_epochs > 0) page.accuracies.columns.push_back("linear probe");
  const auto row = [&](const char* name, const accuracies& a) {
    accuracy_table::row made{name, {a.knn}};
    if (how.linear_epochs > 0) made.values.push_back(a.linear);
    page.accuracies.rows.push_back(std::move(made));
  };
  row("this encoder", found.trained);
  row("the same, untrained", found.untrained);
  row("raw pixels", found.pixels);
  page.charts.push_back(curve_of(folder, "loss", "Loss", "NT-Xent"));
  if (auto accuracy = curve_of(folder, "knn", "kNN accuracy", "kNN accuracy (%)", 100);
      !accuracy.curves[0].x.empty()) {
    accuracy.references = {{"untrained", 100 * found.untrained.knn}, {"raw pixels", 100 * found.pixels.knn}};
    page.charts.push_back(std::move(accuracy));
  }
  page.charts.push_back(curve_of(folder, "learning_rate", "Learning rate", "learning rate"));
  page.charts.push_back(curve_of(folder, "effective_rank", "Effective rank of the embedding", "dimensions"));
  page.sheets.push_back(augmented_views(asked, data));
  page.neighbours = neighbour_rows(data, found, stream);
  page.embedding = picture_of(data, found, stream);
  for (const auto& [name, value] : settings_of(asked)) page.configuration.push_back({name, value});
  page.provenance = {{"Compiler", sentence("C++", __cplusplus / 100 % 100, ", ", __VERSION__)}};
  if (!summary.skipped.empty()) {
    page.notes.push_back(sentence(summary.skipped.size(), " images could not be read and were skipped:"));
    for (const auto& [name, fault] : summary.skipped) page.notes.push_back(fault);
  }
  write_report(folder.path() / "report.html", page);
}

}  // namespace programs
