// Finds images of a folder that are there more than once: copies, and images that are nearly the same.
//   duplicates --run out/photos --data photos/
//
// Prints the groups. Writes to --out: duplicates.csv, a line for each image of a group with its similarity to
// the first one, and report.html with pictures of the groups; prints one line "result: {...}".
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <pretext/evaluation/duplicates.hpp>
#include <pretext/io/utf8.hpp>

#include "support/command_line.hpp"
#include "support/exit_status.hpp"
#include "support/result_line.hpp"
#include "support/trained_encoder.hpp"

using namespace programs;
using namespace pretext;

namespace {

/// For each image of a group, the first one with the same pixels; itself if there is none before it.
std::vector<std::size_t> copies_in(const any_source& source, const std::vector<std::size_t>& group) {
  std::map<std::uint64_t, std::size_t> first_of;
  std::vector<std::size_t> original;
  image picture;
  for (const std::size_t index : group) {
    source.read(index, picture);
    original.push_back(first_of.emplace(sample_hash(picture), index).first->second);
  }
  return original;
}

float similarity_of(const feature_bank& bank, std::size_t a, std::size_t b) {
  float sum = 0;
  for (std::size_t c = 0; c < bank.width(); ++c) sum += bank.unit().row(a)[c] * bank.unit().row(b)[c];
  return sum;
}

int run(const feature_options& options, double similarity) {
  trained_encoder trained = open_trained_encoder(options);
  const encoded_images images = encode_images(trained, options.data, options);
  const cpu::stream stream{options.compute.threads};
  const feature_bank bank{images.features, {.centred = true}, stream};
  const auto groups = connected_groups(bank.size(), similar_pairs(bank, similarity, stream));
  report page = feature_report("Duplicates", trained, images, options);
  std::string csv = "group,image,similarity,copy_of\n";
  std::size_t in_groups = 0, copies = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto& group = groups[g];
    const auto original = copies_in(images.source, group);
    image_sheet sheet{{}, 8, {}, {}, "Groups of images that are nearly the same", ""};
    std::printf("group %zu\n", g + 1);
    std::size_t copies_here = 0;
    for (std::size_t i = 0; i < group.size(); ++i) {
      const float to_first = i == 0 ? 1 : similarity_of(bank, group[0], group[i]);
      const bool copy = original[i] != group[i];
      const std::string& name = images.names[group[i]];
      copies_here += copy;
      std::printf("  %7.4f  %s%s\n", static_cast<double>(to_first), pretext::detail::printable(name).c_str(),
                  copy ? "  (the same pixels)" : "");
      csv += str_cat(g + 1, ",", csv_field(name), ",", to_first, ",",
                     copy ? csv_field(images.names[original[i]]) : "", "\n");
      if (g < 50 && i < 8) {
        sheet.images.push_back(thumbnail(images.source, group[i]));
        sheet.caption += (i ? ", " : "") + name;
      }
    }
    in_groups += group.size();
    copies += copies_here;
    if (g < 50) {
      sheet.caption = str_cat("Group ", g + 1, ": ", group.size(), " images, ", copies_here,
                              " with the pixels of another one: ", sheet.caption);
      page.sheets.push_back(std::move(sheet));
    }
  }
  write_result(options, "duplicates.csv", csv);
  page.summary =
      str_cat(groups.size(), " groups of images whose features have a cosine similarity of at least ",
              similarity, "; ", copies, " images have the pixels of another one.");
  if (groups.size() > 50) page.notes.push_back("The page shows the first 50 groups, duplicates.csv all.");
  write_feature_report(page, options);
  print_result({{"images", bank.size()},
                {"groups", groups.size()},
                {"in_groups", in_groups},
                {"copies", copies},
                {"left_out", images.left_out.size()}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  feature_options options{.out = "out/duplicates"};
  double similarity = 0.99;
  program_options line{"Finds images of a folder that are there more than once, or nearly so."};
  add_feature_options(line, options, "a folder of images; default: those of the run");
  line.add({"", &similarity, "--similarity", "", between{0, 1}},
           "cosine similarity of images that are nearly the same");
  return run_feature_program(line, options, argc, argv, [&] { return run(options, similarity); });
}
