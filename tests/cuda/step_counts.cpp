// The null GPU's counts: how they are added, stored and compared, and the names of kernels.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "null_gpu/step_counts.hpp"

using namespace pretext::tests;
using namespace pretext::tests::null_gpu;

namespace {

/// A step with a launch of 1000 blocks and one of 100.
step_counts two_launches() {
  step_counts step{.toolkit = 13000, .peak_megabytes = 7};
  ptx::block_counts blocks;
  blocks.instructions = 50'000;
  blocks.longest_warp = 3000;
  blocks.barriers = 4;
  blocks.shared_groups = 200;
  blocks.wavefronts = 500;
  step.add_launch("sums<float>", {1000, 2, blocks, 32, 30e-6});
  blocks.longest_warp = 2000;
  step.add_launch("sums<float>", {100, 2, blocks, 16, 10e-6});
  step.add_library_work("product", 2e-6);
  return step;
}

}  // namespace

TEST_CASE("blocks that were not interpreted count as those that were") {
  const step_counts step = two_launches();
  const kernel_counts& of = step.kernels.at("sums<float>");
  CHECK(step.nodes.at("kernel") == 2);
  CHECK(of[launches] == 2);
  CHECK(of[small_launches] == 1);
  CHECK(of[longest_warp] == 3000);
  CHECK(of[instructions] == 25'000 * 1100);
  CHECK(of[barriers] == 2 * 1100);
  CHECK(of[conflicts] == 150 * 1100);
  CHECK(of[empty_warps] == 32);
  CHECK(of[microseconds] == 40);
  CHECK(step.seconds == doctest::Approx(42e-6));
}

TEST_CASE("counts are read as they were written") {
  const auto file = std::filesystem::temp_directory_path() / "pretext_step_counts.txt";
  const step_counts step = rounded(two_launches());
  write_counts(file, step);
  const step_counts stored = read_counts(file);
  std::filesystem::remove(file);
  CHECK(stored.toolkit == 13000);
  CHECK(stored.peak_megabytes == 7);
  CHECK(stored.nodes == step.nodes);
  CHECK(stored.seconds == doctest::Approx(42e-6));
  CHECK(stored.kernels == step.kernels);
  CHECK(stored.kernels.at("sums<float>")[instructions] == 27'500);  // thousands
}

TEST_CASE("a count that rises is reported with its kernel and both values, one that falls is not") {
  const step_counts before = two_launches();
  CHECK(increases(before, before).empty());
  step_counts after = before;
  after.kernels.at("sums<float>")[barriers] += 5;
  after.kernels.at("sums<float>")[sectors] += 5;
  after.kernels.at("sums<float>")[instructions] -= 5;
  after.add_library_work("memset", 3e-6);
  const auto found = increases(before, after);
  REQUIRE(found.size() == 4);
  CHECK(found[0] == "the recorded step: 45 predicted microseconds, of which 42 are committed");
  CHECK(found[1] == "the recorded step: 1 nodes of type memset, of which 0 are committed");
  CHECK(found[2] == "sums<float>: 2205 barriers, of which 2200 are committed");
  CHECK(found[3] == "sums<float>: 5 sectors, of which 0 are committed");
  after.toolkit = 13010;  // another compiler: sectors and predictions are not compared
  CHECK(increases(before, after).size() == 2);
}

TEST_CASE("a kernel that was not committed is reported") {
  step_counts after = two_launches();
  after.add_launch("new", {});
  const auto found = increases(two_launches(), after);
  REQUIRE(found.size() == 2);
  CHECK(found[1] == "new: a kernel without committed counts");
}

TEST_CASE("names of kernels lack namespaces and nested arguments") {
  CHECK(short_name(
            "void pretext::v0_1::grid::run<pretext::v0_1::grid::sum_rows>(pretext::v0_1::grid::sum_rows)") ==
        "sum_rows");
  CHECK(short_name("void a::run<a::loop<b::bfloat16, a::apply<a::view<float, 3ul>, float> > >(a::loop)") ==
        "loop<bfloat16,apply<view,float>>");
}
