// Metrics files: rows are numbers or are refused, and a run that resumes on a file keeps rows of whole
// numbers only.
#include "fuzz/fuzz.hpp"

#include <cmath>

#include <pretext/io/file.hpp>
#include <pretext/runtime/metrics.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pretext;
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("pretext_fuzz_" + std::to_string(::getpid()) + ".csv");
  const std::string name = path.string();
  const auto restore = [&] {
    std::filesystem::remove(path);
    write_atomically(path, std::as_bytes(std::span{data, size}));
  };
  restore();
  has_metric(path, "loss");
  for (const char* column : {"loss", "learning_rate"})
    tests::expect_value_or_sentence(name, [&] { read_metrics(path, "step", column); });

  tests::expect_value_or_sentence(name, [&] {
    metrics_file resumed{path, {"step", "loss", "learning_rate"}, 100};
    resumed.add(150, {{"loss", 1e-310}, {"learning_rate", 0.25}});
    const auto rows = read_metrics(path, "step", "loss");
    tests::require(!rows.empty() && rows.back() == std::pair{150., 1e-310}, "an added row is read again");
    for (std::size_t i = 0; i + 1 < rows.size(); ++i)
      tests::require(rows[i].first <= 100 && std::trunc(rows[i].first) == rows[i].first,
                     "a resumed run keeps the rows up to its step");
  });
  return 0;
}
