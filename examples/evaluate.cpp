// Evaluates a pretrained encoder: weighted kNN and a linear probe on its features, compared with the same
// encoder untrained and with raw pixels. Writes report.html to the folder of the run and prints one line
// "result: {...}"; adds the figures of each class to summary.json.
//   evaluate --run out/run [--data photos/]
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "support/command_line.hpp"
#include "support/exit_status.hpp"
#include "support/metrics_report.hpp"
#include "support/run_report.hpp"

using namespace programs;

namespace {

std::string join(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) line += (i ? " " : "") + std::string{argv[i]};
  return line;
}

double rounded(double x) { return static_cast<double>(static_cast<long>(x * 10000 + 0.5)) / 10000; }

int run(const std::filesystem::path& path, const std::string& other_data, const std::string& on_bad_image,
        const evaluation_options& options, const std::string& command_line) {
  run_folder folder{path};
  recipe config;
  folder.read_recipe(config);
  if (!other_data.empty()) config.data = other_data;
  if (!on_bad_image.empty()) config.on_bad_image = on_bad_image;
  datasets data = open_labelled_datasets(config, "evaluation");
  const evaluation_result accuracy = evaluate(folder, config, data, options);

  const bool probed = options.linear_epochs > 0;
  const auto print = [&](const char* name, const accuracies& a) {
    std::printf("  %-18s %7.4f", name, a.knn);
    if (probed) std::printf("   %7.4f", a.linear);
    std::printf("\n");
  };
  std::printf("%zu training and %zu test images; accuracy of\n  %-18s %7s%s\n", data.train.size(),
              data.test.size(), "", "kNN", probed ? "    linear" : "");
  print("this encoder", accuracy.trained);
  print("the same untrained", accuracy.untrained);
  print("raw pixels", accuracy.pixels);
  const auto& classes = data.test.class_names();
  const auto& metrics = accuracy.trained.metrics();
  std::printf("balanced accuracy of the %s %.4f, mean AUROC %.4f\n", probed ? "linear probe" : "kNN",
              metrics.balanced_accuracy, metrics.mean_auroc);
  int status = 0;
  double seconds = accuracy.seconds;
  try {
    write_run_report(folder, config, data, accuracy, options, command_line);
    seconds += folder.read_summary().seconds;
    std::printf("report: %s\n", (path / "report.html").c_str());
    nlohmann::ordered_json figures{{"knn", json_of(accuracy.trained.of_knn, classes)}};
    if (probed) figures["linear"] = json_of(accuracy.trained.of_probe, classes);
    folder.add_to_summary("evaluation",
                          figures.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "evaluate: the report and summary.json could not be written: %s\n",
                 sentence_of(error).c_str());
    status = exit_failed;
  }
  nlohmann::ordered_json result{{"method", config.method},
                                {"knn", rounded(accuracy.trained.knn)},
                                {"knn_untrained", rounded(accuracy.untrained.knn)},
                                {"knn_pixels", rounded(accuracy.pixels.knn)}};
  if (probed) {
    result["linear"] = rounded(accuracy.trained.linear);
    result["linear_untrained"] = rounded(accuracy.untrained.linear);
    result["linear_pixels"] = rounded(accuracy.pixels.linear);
  }
  const auto figures = json_of(metrics, classes);
  for (const char* name : {"balanced_accuracy", "auroc"}) result[name] = figures[name];
  result["seconds"] = rounded(seconds);
  std::printf("result: %s\n", result.dump().c_str());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path path;
  std::string data, on_bad_image;
  evaluation_options options;
  options.compute.threads = std::max(1u, std::thread::hardware_concurrency());
  CLI::App app{"Evaluates a pretrained encoder: weighted kNN, linear probe, baselines, report.html."};
  app.add_option("--run", path, "folder of a pretraining run")->required();
  app.add_option("--data", data, "labelled images; default: those of the run");
  add_option(app, {"", &on_bad_image, "--on-bad-image", "", one_of{{"stop", "skip"}}},
             "what to do about an unreadable image; default: as in the run");
  add_option(app, {"", &options.neighbours, "--neighbours", "", positive{}}, "k of the kNN");
  add_option(app, {"", &options.temperature, "--temperature", "", positive{}},
             "temperature of the kNN's weights");
  add_option(app, {"", &options.linear_epochs, "--linear-epochs", "", between{0, max_epochs}},
             "epochs of the linear probe; 0: none");
  add_option(app, {"", &options.probe, "--probe", "", one_of{{"simclr", "mae"}}},
             "\"simclr\": SGD on standardised features; \"mae\": LARS after batch norm, best with 90 epochs");
  add_compute_options(app, options.compute);
  CLI11_PARSE(app, argc, argv);
  return run_program("evaluate", [&] { return run(path, data, on_bad_image, options, join(argc, argv)); });
}
