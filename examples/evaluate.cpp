// Measures what a pretrained encoder is worth: weighted kNN and a linear probe on its feature, beside the
// same encoder untrained and raw pixels; writes report.html beside the run and prints one line "result:
// {...}".
//   evaluate --run out/run [--data photos/]
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <thread>

#include <nlohmann/json.hpp>

#include "support/command_line.hpp"
#include "support/run_report.hpp"

using namespace programs;

namespace {

std::string joined(int count, char** words) {
  std::string line;
  for (int i = 0; i < count; ++i) line += (i ? " " : "") + std::string{words[i]};
  return line;
}

double rounded(double x) { return static_cast<double>(static_cast<long>(x * 10000 + 0.5)) / 10000; }

int run(const std::filesystem::path& path, const std::string& other_data, const evaluation_options& how,
        const std::string& command_line) {
  const run_folder folder{path};
  recipe asked = folder.read_recipe();
  if (!other_data.empty()) asked.data = other_data;
  const datasets data = open_datasets(asked);
  const findings found = evaluate(folder, asked, data, how);
  write_run_report(folder, asked, data, found, how, command_line);

  const bool probed = how.linear_epochs > 0;
  const auto print = [&](const char* name, const accuracies& a) {
    std::printf("  %-18s %7.4f", name, a.knn);
    if (probed) std::printf("   %7.4f", a.linear);
    std::printf("\n");
  };
  std::printf("%zu training and %zu test images; accuracy of\n  %-18s %7s%s\n", data.train.size(),
              data.test.size(), "", "kNN", probed ? "    linear" : "");
  print("this encoder", found.trained);
  print("the same untrained", found.untrained);
  print("raw pixels", found.pixels);
  std::printf("report: %s\n", (path / "report.html").c_str());
  nlohmann::ordered_json result{{"method", asked.method},
                                {"knn", rounded(found.trained.knn)},
                                {"knn_untrained", rounded(found.untrained.knn)},
                                {"knn_pixels", rounded(found.pixels.knn)}};
  if (probed) {
    result["linear"] = rounded(found.trained.linear);
    result["linear_untrained"] = rounded(found.untrained.linear);
    result["linear_pixels"] = rounded(found.pixels.linear);
  }
  result["seconds"] = rounded(folder.read_summary().seconds + found.seconds);
  std::printf("result: %s\n", result.dump().c_str());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  std::filesystem::path path;
  std::string data;
  evaluation_options how;
  how.where.threads = std::max(1u, std::thread::hardware_concurrency());
  CLI::App app{"Evaluates a pretrained encoder: weighted kNN, linear probe, baselines, report.html."};
  app.add_option("--run", path, "the folder that pretraining wrote")->required();
  app.add_option("--data", data, "labelled images; the run's own unless given");
  app.add_option("--neighbours", how.neighbours, "k of the kNN")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--temperature", how.temperature, "of the kNN's weights")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--linear-epochs", how.linear_epochs, "of the linear probe; 0: none")->capture_default_str();
  app.add_option(
         "--probe", how.probe,
         "\"simclr\": SGD on standardised features; \"mae\": LARS behind batch norm, best with 90 epochs")
      ->capture_default_str()
      ->check(CLI::IsMember({"simclr", "mae"}));
  add_processor_options(app, how.where);
  CLI11_PARSE(app, count, words);
  try {
    return run(path, data, how, joined(count, words));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "evaluate: %s\n", error.what());
    return 1;
  }
}
