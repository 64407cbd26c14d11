#include <pretext/runtime/metrics.hpp>

#include "support/temporary_folder.hpp"

#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace pretext;

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

TEST_CASE("rows have the step first, seven digits, and empty cells where there is no value") {
  const temporary_folder folder;
  metrics_file file{folder / "metrics.csv", {"step", "loss", "knn"}, 0};
  file.add(5, {{"loss", 1.0 / 3}, {"unknown", 7}});
  file.add(10, {{"loss", 2e-9}, {"knn", .5}});
  CHECK(text_of(folder / "metrics.csv") == "step,loss,knn\n5,0.3333333,\n10,2e-09,0.5\n");
}

TEST_CASE("a resumed run keeps the rows up to its step and drops later ones") {
  const temporary_folder folder;
  const std::vector<std::string> columns{"step", "loss"};
  const auto begin = [&] {
    metrics_file file{folder / "metrics.csv", columns, 0};
    for (const std::size_t step : {5u, 10u, 15u}) file.add(step, {{"loss", 1}});
  };
  begin();
  metrics_file{folder / "metrics.csv", columns, 10}.add(12, {{"loss", 2}});
  CHECK(text_of(folder / "metrics.csv") == "step,loss\n5,1\n10,1\n12,2\n");
  begin();
  CHECK(text_of(folder / "metrics.csv") == "step,loss\n5,1\n10,1\n15,1\n");  // a new run drops all rows
  metrics_file{folder / "metrics.csv", {"step", "knn"}, 10};                 // other columns: no row fits
  CHECK(text_of(folder / "metrics.csv") == "step,knn\n");
  CHECK_THROWS_AS((metrics_file{folder / "none" / "metrics.csv", columns, 0}), std::runtime_error);
}

TEST_CASE("columns are read as pairs without rows that lack a value, and a missing column is named") {
  const temporary_folder folder;
  const auto path = folder / "metrics.csv";
  metrics_file file{path, {"step", "loss", "knn"}, 0};
  file.add(5, {{"loss", 1}});
  file.add(10, {{"loss", .5}, {"knn", .25}});
  using pairs = std::vector<std::pair<double, double>>;
  CHECK(read_metrics(path, "step", "loss") == pairs{{5, 1}, {10, .5}});
  CHECK(read_metrics(path, "loss", "knn") == pairs{{.5, .25}});
  CHECK(has_metric(path, "knn"));
  CHECK_FALSE(has_metric(path, "kn"));
  CHECK_FALSE(has_metric(folder / "none.csv", "knn"));
  check_throws<std::runtime_error>([&] { read_metrics(path, "step", "rank"); }, path.string(),
                                   "has no column \"rank\"");
  check_throws<std::runtime_error>([&] { read_metrics(folder / "none.csv", "step", "loss"); }, "none.csv",
                                   "cannot be opened");
}
