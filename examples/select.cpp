// Selects images of a folder that are worth labelling: a subset in which every kind of image occurs.
//   select --run out/photos --data photos/ --count 100
//   select --run out/photos --data photos/ --count 100 --labelled labels.csv
//     100 others than those that have a label
//
// Writes to --out: selected.csv, a line "image,class" for each image, the most useful first, whose classes
// are to be filled in for `classify`, and report.html; prints one line "result: {...}".
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <pretext/evaluation/diverse_subset.hpp>
#include <pretext/io/utf8.hpp>

#include "support/command_line.hpp"
#include "support/counted.hpp"
#include "support/exit_status.hpp"
#include "support/result_line.hpp"
#include "support/trained_encoder.hpp"

using namespace programs;
using namespace pretext;

namespace {

/// The rows of the images that the first column of a CSV file names; others are counted.
std::vector<std::size_t> rows_named(const std::filesystem::path& file, const encoded_images& images) {
  std::map<std::string, std::size_t> row_of;
  for (std::size_t i = 0; i < images.names.size(); ++i) row_of[images.names[i]] = i;
  std::vector<std::size_t> rows;
  std::size_t unknown = 0;
  for (const auto& line : read_csv(file)) {
    const auto found = row_of.find(line[0]);
    if (found != row_of.end())
      rows.push_back(found->second);
    else
      unknown += line[0] != "image";
  }
  if (unknown > 0)
    std::fprintf(stderr, "%s: %zu lines name no image of the folder\n",
                 pretext::detail::printable(file.string()).c_str(), unknown);
  return rows;
}

int run(const feature_options& options, std::size_t count, const std::filesystem::path& labelled,
        const std::string& rule) {
  trained_encoder trained = open_trained_encoder(options);
  const encoded_images images = encode_images(trained, options.data, options);
  const cpu::stream stream{options.compute.threads};
  const feature_bank bank{images.features, {}, stream};
  const auto known = labelled.empty() ? std::vector<std::size_t>{} : rows_named(labelled, images);
  const std::size_t left = bank.size() - std::set<std::size_t>{known.begin(), known.end()}.size();
  expects(count <= left, "--count ", count, " is more than the ", left, " images to select from");
  const auto chosen = diverse_subset(
      bank, count, known, rule == "coverage" ? subset_rule::coverage : subset_rule::farthest, stream);

  report page = feature_report("Images worth labelling", trained, images, options);
  std::string csv = "image,class\n";
  std::set<int> covered, all;
  for (const int label : images.features.labels)
    if (label >= 0) all.insert(label);
  image_sheet sheet{"The first of them, the most useful first.", 8, {}, {}, "Selected images", ""};
  chart curve{"Coverage", "selected images", "cosine similarity to the nearest one", {{rule, {}, {}}}, {}};
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    csv += csv_field(images.names[chosen[i].index]) + ",\n";
    std::printf("  %7.4f  %s\n", static_cast<double>(chosen[i].coverage),
                pretext::detail::printable(images.names[chosen[i].index]).c_str());
    if (i < 96) sheet.images.push_back(thumbnail(images.source, chosen[i].index));
    curve.curves[0].x.push_back(static_cast<double>(i + 1));
    curve.curves[0].y.push_back(static_cast<double>(chosen[i].coverage));
    if (const int label = images.features.labels[chosen[i].index]; label >= 0) covered.insert(label);
  }
  write_result(options, "selected.csv", csv);
  page.summary =
      str_cat(chosen.size(), " of ", counted(bank.size(), "image"), ", chosen one after the other: ",
              rule == "coverage" ? "each brings all images nearest to the selected ones."
                                 : "each is the farthest from those before it.");
  if (!all.empty()) page.facts.push_back({"Classes that occur", str_cat(covered.size(), " of ", all.size())});
  page.sheets.push_back(std::move(sheet));
  if (curve.curves[0].x.size() > 1) page.charts.push_back(std::move(curve));
  write_feature_report(page, options);
  std::vector<result_member> result{
      {"images", bank.size()}, {"selected", chosen.size()}, {"left_out", images.left_out.size()}};
  if (!all.empty())
    result.insert(result.end(), {{"classes", all.size()}, {"classes_covered", covered.size()}});
  print_result(result);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  feature_options options{.out = "out/select"};
  std::size_t count = 100;
  std::filesystem::path labelled;
  std::string rule = "coverage";
  program_options line{"Selects images of a folder that are worth labelling."};
  add_feature_options(line, options, "a folder of images; default: those of the run");
  line.add({"", &count, "--count", "", between{1, 1e9}}, "images to select");
  line.add({"", &rule, "--rule", "", one_of{{"coverage", "farthest"}}},
           "\"coverage\": typical images first; \"farthest\": odd ones first, to find rare kinds");
  line.add("--labelled", labelled, "CSV file whose first column names images that are not to be selected");
  return run_feature_program(line, options, argc, argv, [&] { return run(options, count, labelled, rule); });
}
