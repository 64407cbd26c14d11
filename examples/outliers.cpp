// Ranks the images of a folder by how unlike the others they are: defects, foreign objects, broken pictures.
//   outliers --run out/parts --data parts/
//   outliers --run out/parts --data parts/ --normal good_parts/
//     compared with images that are known to be normal
//   outliers --run out/parts --data parts/ --normal-class good
//     measures AUROC: the images of class folder good are normal, all other labelled ones are not
//
// Prints the oddest images. Writes to --out: outliers.csv, all images with their score, the oddest first, and
// report.html; prints one line "result: {...}".
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <pretext/evaluation/classification_metrics.hpp>
#include <pretext/evaluation/outliers.hpp>
#include <pretext/io/utf8.hpp>

#include "support/command_line.hpp"
#include "support/exit_status.hpp"
#include "support/result_line.hpp"
#include "support/trained_encoder.hpp"

using namespace programs;
using namespace pretext;

namespace {

struct ranking_options {
  std::string normal;                       // folder of normal images
  std::vector<std::string> normal_classes;  // of --data
  std::string score = "density";
  std::size_t neighbours = 20;
};

/// AUROC of the scores, where the images of some classes are normal and those of all others are not.
double auroc_of(const std::vector<float>& scores, const encoded_images& images,
                const std::vector<std::string>& normal) {
  const auto& names = images.source.class_names();
  for (const auto& name : normal)
    expects(std::ranges::find(names, name) != names.end(), "--normal-class ", name,
            ": there is no such class in ", names.size(), " classes of the images");
  std::vector<float> of_labelled;
  std::vector<char> odd;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const int label = images.features.labels[i];
    if (label < 0) continue;
    of_labelled.push_back(scores[i]);
    odd.push_back(std::ranges::find(normal, names[static_cast<std::size_t>(label)]) == normal.end());
  }
  return auroc(of_labelled, [&](std::size_t i) { return odd[i] != 0; });
}

int run(const feature_options& options, const ranking_options& ranking) {
  trained_encoder trained = open_trained_encoder(options);
  const encoded_images images = encode_images(trained, options.data, options);
  const cpu::stream stream{options.compute.threads};
  const outlier_options how{.score = ranking.score == "density"      ? outlier_score::local_density
                                     : ranking.score == "neighbours" ? outlier_score::neighbours
                                                                     : outlier_score::mahalanobis,
                            .neighbours = ranking.neighbours};
  std::size_t references = images.features.count;
  std::vector<float> scores;
  if (ranking.normal.empty()) {
    scores = outlier_detector{images.features, how, stream}.of_normal();
  } else {
    const encoded_images normal = encode_images(trained, ranking.normal, options);
    references = normal.features.count;
    scores = outlier_detector{normal.features, how, stream}(images.features, stream);
  }
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });

  std::string csv = "image,score,class\n";
  const auto& classes = images.source.class_names();
  const auto class_of = [&](std::size_t i) {
    const int label = images.features.labels[i];
    return label < 0 ? std::string{} : classes[static_cast<std::size_t>(label)];
  };
  report page = feature_report("Outliers", trained, images, options);
  const auto sheet_of = [&](const char* title, const char* about, std::size_t first, std::size_t step) {
    image_sheet sheet{{}, 8, {}, {}, title, about};
    for (std::size_t k = first; k < order.size() && sheet.images.size() < 40; k += step) {
      sheet.images.push_back(thumbnail(images.source, order[k]));
      sheet.caption += (sheet.caption.empty() ? "" : ", ") + images.names[order[k]];
    }
    page.sheets.push_back(std::move(sheet));
  };
  for (std::size_t k = 0; k < order.size(); ++k) {
    csv += str_cat(csv_field(images.names[order[k]]), ",", scores[order[k]], ",",
                   csv_field(class_of(order[k])), "\n");
    if (k < 20)
      std::printf("  %9.4f  %s\n", static_cast<double>(scores[order[k]]),
                  pretext::detail::printable(images.names[order[k]]).c_str());
  }
  write_result(options, "outliers.csv", csv);
  sheet_of("The oddest images", "The oddest first.", 0, 1);
  sheet_of("For comparison", "Images of all scores, the oddest first.", 0,
           std::max<std::size_t>(1, order.size() / 24));
  chart curve{"Scores", "image, the oddest first", "distance", {{"score", {}, {}}}, {}};
  for (std::size_t k = 0; k < order.size(); k += std::max<std::size_t>(1, order.size() / 1000)) {
    curve.curves[0].x.push_back(static_cast<double>(k + 1));
    curve.curves[0].y.push_back(static_cast<double>(scores[order[k]]));
  }
  page.charts.push_back(std::move(curve));
  page.summary = str_cat("Distance (", ranking.score, ") from ", references,
                         ranking.normal.empty() ? " images of the same folder." : " normal images.");
  std::vector<result_member> result{{"images", images.features.count}, {"left_out", images.left_out.size()}};
  if (!ranking.normal_classes.empty()) {
    const double area = auroc_of(scores, images, ranking.normal_classes);
    page.facts.push_back({"AUROC", number(area)});
    result.push_back({"auroc", area});
  }
  write_feature_report(page, options);
  print_result(result);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  feature_options options{.out = "out/outliers"};
  ranking_options ranking;
  program_options line{"Ranks the images of a folder by how unlike the others they are."};
  add_feature_options(line, options, "a folder of images; default: those of the run");
  line.add("--normal", ranking.normal, "a folder of images that are normal; default: all of --data");
  line.add("--normal-class", ranking.normal_classes,
           "classes of --data that are normal, to measure AUROC against the others");
  line.add({"", &ranking.score, "--score", "", one_of{{"density", "neighbours", "mahalanobis"}}},
           "\"density\": the local outlier factor; \"neighbours\": distance to the nearest images; "
           "\"mahalanobis\": distance to the mean, for images of one kind");
  line.add({"", &ranking.neighbours, "--neighbours", "", between{1, 100000}},
           "nearest images that count; more than there may be outliers that are alike");
  return run_feature_program(line, options, argc, argv, [&] { return run(options, ranking); });
}
