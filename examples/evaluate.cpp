// Evaluates a pretrained encoder: weighted kNN and a linear probe on its features, compared with the same
// encoder untrained and with raw pixels. Writes report.html to the folder of the run and prints one line
// "result: {...}"; adds the figures of each class to summary.json.
//   evaluate --run out/run [--data photos/]
// The ranks that mpirun starts share the images.
#include <cstdio>
#include <exception>
#include <string>

#include <pretext/distributed/communicator.hpp>
#include <pretext/distributed/launch.hpp>
#include <pretext/distributed/likeness.hpp>
#include <pretext/io/file.hpp>

#include "support/command_line.hpp"
#include "support/exit_status.hpp"
#include "support/metrics_report.hpp"
#include "support/ranks.hpp"
#include "support/result_line.hpp"
#include "support/run_report.hpp"
#include "support/take_steps.hpp"

using namespace programs;
using pretext::any_source;
using namespace pretext::distributed;

namespace {

std::string join(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) line += (i ? " " : "") + std::string{argv[i]};
  return line;
}

/// What must be alike on all ranks. Each may find the images elsewhere.
std::vector<trait> traits_of(const run_folder& folder, recipe& config, const datasets& data,
                             const evaluation_options& options) {
  auto traits = traits_of_program(config);
  const auto fingerprint_of = [&](const any_source& images) {
    return pretext::fingerprint(images_of_run(config, images, options.compute.threads));
  };
  const auto file = pretext::read_file(folder.encoder());
  const std::string_view weights{reinterpret_cast<const char*>(file.data()), file.size()};
  using pretext::str_cat;
  traits.insert(traits.end(), {{"encoder", str_cat(detail::mix_text(0, weights))},
                               {"training set", fingerprint_of(data.train)},
                               {"test set", fingerprint_of(data.test)},
                               {"value of --neighbours", str_cat(options.neighbours)},
                               {"value of --temperature", str_cat(options.temperature)},
                               {"value of --linear-epochs", str_cat(options.linear_epochs)},
                               {"value of --probe", options.probe}});
  return traits;
}

int run(const std::filesystem::path& path, const std::string& other_data, const std::string& on_bad_image,
        const evaluation_options& options, const std::string& command_line, rank_engine& ranks) {
  run_folder folder{path, "pretrain simclr", ranks.is_first()};
  recipe config;
  datasets data;
  const auto open = [&] {
    folder.read_recipe(config);
    if (!other_data.empty()) config.data = other_data;
    if (!on_bad_image.empty()) config.on_bad_image = on_bad_image;
    data = open_labelled_datasets(config, "evaluation");
    return ranks.ranks() > 1 ? traits_of(folder, config, data, options) : std::vector<trait>{};
  };
  if (const std::string failure = open_alike(ranks, open); !failure.empty()) {
    std::fprintf(stderr, "evaluate: %s\n", failure.c_str());
    return exit_failed;
  }
  evaluation_result accuracy;
  if (ranks.ranks() == 1)
    accuracy = evaluate(folder, config, data, options);
  else
    make_cpu_shards(ranks, ranks.ranks())->run([&](any_communicator&, shards_on_host& shards) {
      accuracy = evaluate(folder, config, data, options, &shards);
    });
  if (!ranks.is_first()) return 0;

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
    std::string figures = "{\"knn\":" + json_of(accuracy.trained.of_knn, classes);
    if (probed) figures += ",\"linear\":" + json_of(accuracy.trained.of_probe, classes);
    folder.add_to_summary("evaluation", figures + "}");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "evaluate: the report and summary.json could not be written: %s\n",
                 sentence_of(error).c_str());
    status = exit_failed;
  }
  std::vector<result_member> result{{"method", config.method},
                                    {"knn", four_digits(accuracy.trained.knn)},
                                    {"knn_untrained", four_digits(accuracy.untrained.knn)},
                                    {"knn_pixels", four_digits(accuracy.pixels.knn)}};
  if (probed)
    result.insert(result.end(), {{"linear", four_digits(accuracy.trained.linear)},
                                 {"linear_untrained", four_digits(accuracy.untrained.linear)},
                                 {"linear_pixels", four_digits(accuracy.pixels.linear)}});
  result.insert(result.end(),
                {balanced_accuracy_of(metrics), auroc_of(metrics), {"seconds", four_digits(seconds)}});
  print_result(result);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path path;
  std::string data, on_bad_image;
  evaluation_options options;
  launch started;
  std::string fault;  // of the launcher's variables
  try {
    started = launch_from_environment();
  } catch (const std::exception& error) { fault = error.what(); }
  quiet_rank quiet{started.rank > 0};
  options.compute.threads = processors_of_rank(started);
  program_options line{"Evaluates a pretrained encoder: weighted kNN, linear probe, baselines, report.html."};
  line.add("--run", path, "folder of a pretraining run").required();
  line.add("--data", data, "labelled images; default: those of the run");
  line.add({"", &on_bad_image, "--on-bad-image", "", one_of{{"stop", "skip"}}},
           "what to do about an unreadable image; default: as in the run");
  line.add({"", &options.neighbours, "--neighbours", "", positive{}}, "k of the kNN");
  line.add({"", &options.temperature, "--temperature", "", positive{}}, "temperature of the kNN's weights");
  line.add({"", &options.linear_epochs, "--linear-epochs", "", between{0, max_epochs}},
           "epochs of the linear probe; 0: none");
  line.add({"", &options.probe, "--probe", "", one_of{{"simclr", "mae"}}},
           "\"simclr\": SGD on standardised features; \"mae\": LARS after batch norm, best with 90 epochs");
  add_compute_options(line, options.compute);
  if (const auto status = parse_on_ranks(line, argc, argv, started, quiet)) return *status;
  const auto measure = [&] {
    if (!fault.empty()) throw std::runtime_error{fault};
    if (started.ranks > 1 && options.compute.is_gpu())
      throw std::runtime_error{
          "several ranks evaluate on CPUs; leave out --device cuda, or start one process"};
    return run_ranks("evaluate", started, false, quiet, [&](rank_engine& ranks) {
      return run(path, data, on_bad_image, options, join(argc, argv), ranks);
    });
  };
  return run_program("evaluate", measure, true);
}
