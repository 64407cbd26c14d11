#include <pretext/runtime/metrics.hpp>

#include "support/temporary_folder.hpp"

#include <clocale>
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

TEST_CASE("a resumed run keeps whole rows of numbers only") {
  const temporary_folder folder;
  const auto path = folder / "metrics.csv";
  const auto resumed = [&](const std::string& old) {
    std::ofstream{path, std::ios::binary} << old;
    metrics_file{path, {"step", "loss"}, 150}.add(160, {{"loss", 1}});
    return text_of(path);
  };
  CHECK(resumed("step,loss\n100,0.5\n20") == "step,loss\n100,0.5\n160,1\n");      // of 200,0.4
  CHECK(resumed("step,loss\n100,0.5\n120,0.") == "step,loss\n100,0.5\n160,1\n");  // of 120,0.75
  CHECK(resumed("step,loss\n100,0.5\n" + std::string(40, '\0')) == "step,loss\n100,0.5\n160,1\n");
  CHECK(resumed("step,loss\nabc,0.4\n\n\r\n99999999999999999999999,1\n-5,1\n5e1,1\n5\n5,1,2\n5,x\n6,1e-"
                "310\n7,\n") == "step,loss\n6,1e-310\n7,\n160,1\n");
  CHECK(resumed("step,loss\r\n100,0.5\r\n") == "step,loss\n100,0.5\n160,1\n");
}

TEST_CASE("what was written is read: denormal numbers too, and a row that was cut off is left out") {
  const temporary_folder folder;
  const auto path = folder / "metrics.csv";
  const auto read = [&](const std::string& text) {
    std::ofstream{path, std::ios::binary} << text;
    return read_metrics(path, "step", "loss");
  };
  using pairs = std::vector<std::pair<double, double>>;
  metrics_file{path, {"step", "loss"}, 0}.add(1, {{"loss", 1e-310}});
  CHECK(read_metrics(path, "step", "loss") == pairs{{1, 1e-310}});
  CHECK(read("step,loss\r\n1,0.5\r\n\r\n2,0.25\r\n") == pairs{{1, .5}, {2, .25}});
  CHECK(read("step,loss\n1,0.5\n20,0.") == pairs{{1, .5}});
  for (const char* row : {"x,1", "1,0.5zzz", "1", "1,2,3", "1,1e999", "1,0x1"})
    check_throws<std::runtime_error>([&] { read(std::string{"step,loss\n1,0.5\n"} + row + "\n2,1\n"); },
                                     path.string(), "line 3 is no row of 2 numbers");
  check_throws<std::runtime_error>([&] { read(""); }, path.string(), "has no column \"step\"");
}

TEST_CASE("numbers have a decimal point in every locale") {
  const temporary_folder folder;
  const auto path = folder / "metrics.csv";
  const std::string before = std::setlocale(LC_ALL, nullptr);
  bool comma = false;
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"})
    comma = comma || (std::setlocale(LC_ALL, name) && *std::localeconv()->decimal_point == ',');
  metrics_file{path, {"step", "loss"}, 0}.add(1, {{"loss", 3.25}});
  const auto read = read_metrics(path, "step", "loss");
  std::setlocale(LC_ALL, before.c_str());
  CHECK(text_of(path) == "step,loss\n1,3.25\n");
  CHECK(read == std::vector<std::pair<double, double>>{{1, 3.25}});
  if (!comma) MESSAGE("no locale with a decimal comma is installed: only the C locale was tried");
}
