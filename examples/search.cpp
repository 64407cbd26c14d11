// Finds the images of a folder that are most similar to others.
//   search --run out/photos --query my.jpg --data photos/
//   search --run out/photos
//     a page of ten images of the run and those that are most similar to them
//
// Prints the similar images of each query, with their cosine similarity. Writes to --out: report.html, a page
// of them, and similar.csv; prints one line "result: {...}".
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <pretext/evaluation/feature_bank.hpp>
#include <pretext/io/utf8.hpp>

#include "support/command_line.hpp"
#include "support/counted.hpp"
#include "support/exit_status.hpp"
#include "support/pictures.hpp"
#include "support/result_line.hpp"
#include "support/search_index.hpp"
#include "support/trained_encoder.hpp"

using namespace programs;
using namespace pretext;

namespace {

struct search_options {
  std::vector<std::string> queries;
  std::size_t top = 8;
  std::string index = "exact";
};

nearest_search make_search(const feature_bank& bank, const std::string& index, std::size_t k) {
  if (index == "exact")
    return [&bank](const feature_view& queries, std::size_t count, const cpu::stream& stream) {
      return bank.nearest(queries, count, stream);
    };
  const auto entry = index_makers().find(index);
  if (entry == index_makers().end())
    throw_error<std::runtime_error>(
        "this program was built without hnswlib, so --index ", index,
        " is not available; install hnswlib (Debian: libhnswlib-dev), and configure "
        "and build again");
  return entry->second(bank, k);
}

bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::equivalent(a, b, error) && !error;
}

/// Prints, lists and shows what was found.
class findings {
 public:
  findings(const encoded_images& searched, std::size_t top) : searched_{searched}, top_{top} {}

  /// `nearest`: of image `query` of `queries`. An image that is searched for is not similar to itself.
  void add(const encoded_images& queries, std::size_t query, std::span<const neighbour> nearest) {
    const std::string& name = queries.names[query];
    std::printf("%s\n", pretext::detail::printable(name).c_str());
    const bool shown = rows_.size() < 100;
    neighbour_row row;
    if (shown) row = {thumbnail(queries.source, query), name, {}};
    std::size_t rank = 0;
    for (const neighbour& n : nearest) {
      if (rank == top_) break;
      if (&queries == &searched_ ? n.index == query
                                 : is_same_file(queries.source.name(query), searched_.source.name(n.index)))
        continue;
      ++rank;
      const std::string& found = searched_.names[n.index];
      std::printf("  %7.4f  %s\n", static_cast<double>(n.similarity),
                  pretext::detail::printable(found).c_str());
      csv_ += str_cat(csv_field(name), ",", rank, ",", csv_field(found), ",", n.similarity, "\n");
      if (shown)
        row.nearest.push_back(
            {thumbnail(searched_.source, n.index),
             str_cat(number(std::round(1000 * static_cast<double>(n.similarity)) / 1000), " ", found),
             same_class(queries, query, n.index)});
    }
    if (shown) rows_.push_back(std::move(row));
    ++count_;
  }

  std::size_t count() const { return count_; }
  const std::string& csv() const { return csv_; }
  std::vector<neighbour_row>& rows() { return rows_; }

 private:
  /// Another class, where both are labelled.
  bool same_class(const encoded_images& queries, std::size_t query, std::size_t index) const {
    const int a = queries.features.labels[query], b = searched_.features.labels[index];
    return &queries != &searched_ || a < 0 || b < 0 || a == b;
  }

  const encoded_images& searched_;
  std::size_t top_, count_ = 0;
  std::string csv_ = "query,rank,image,similarity\n";
  std::vector<neighbour_row> rows_;
};

int run(const feature_options& options, const search_options& search) {
  trained_encoder trained = open_trained_encoder(options);
  const encoded_images images = encode_images(trained, options.data, options);
  expects(images.features.count > 1, "there is one image to search in; give --data a folder with more");
  const cpu::stream stream{options.compute.threads};
  const feature_bank bank{images.features, {.centred = true}, stream};
  findings found{images, search.top};
  // One more, because a query may be one of the images.
  const std::size_t k = std::min(search.top + 1, bank.size());
  using clock = std::chrono::steady_clock;
  const auto seconds_since = [](clock::time_point start) {
    return std::chrono::duration<double>(clock::now() - start).count();
  };
  const auto start = clock::now();
  const nearest_search find = make_search(bank, search.index, k);
  if (search.index != "exact")
    std::fprintf(stderr, "index of %s built in %.2f s\n", counted(bank.size(), "image").c_str(),
                 seconds_since(start));
  std::size_t left_out = images.left_out.size();
  for (const auto& path : search.queries) {
    const encoded_images queries = encode_images(trained, path, options);
    left_out += queries.left_out.size();
    const auto begun = clock::now();
    const auto nearest = find(queries.features, k, stream);
    std::fprintf(stderr, "%zu queries searched in %.3f s\n", queries.features.count, seconds_since(begun));
    for (std::size_t q = 0; q < queries.features.count; ++q)
      found.add(queries, q, std::span{nearest}.subspan(q * k, k));
  }
  const std::size_t shown = search.queries.empty() ? std::min<std::size_t>(10, bank.size()) : 0;
  for (std::size_t i = 0; i < shown; ++i) {
    const std::size_t row = spread(i, shown, bank.size());
    found.add(images, row,
              find({std::span{images.features.row(row), bank.width()}, bank.width()}, k, stream));
  }
  write_result(options, "similar.csv", found.csv());
  report page = feature_report("Similar images", trained, images, options);
  page.summary = "The most similar of " + counted(bank.size(), "image") + ".";
  page.neighbours = std::move(found.rows());
  page.neighbours_title = "Similar images";
  page.neighbours_about =
      "Left, a query; beside it, the images whose features are nearest, with their cosine similarity, "
      "nearest "
      "first. A dashed frame marks another class.";
  write_feature_report(page, options);
  print_result({{"images", bank.size()}, {"queries", found.count()}, {"left_out", left_out}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  feature_options options{.out = "out/search"};
  search_options search;
  program_options line{"Finds the images of a folder that are most similar to others."};
  line.add("--query", search.queries,
           "images to search for, files or folders; default: ten of the searched images");
  add_feature_options(line, options, "the folder to search; default: the images of the run");
  line.add({"", &search.index, "--index", "", one_of{{"exact", "hnsw"}}},
           "\"hnsw\": approximate, for many queries in more than about 100000 images");
  line.add({"", &search.top, "--top", "", between{1, 1000}}, "similar images of each query");
  return run_feature_program(line, options, argc, argv, [&] { return run(options, search); });
}
