// The table of registers and spills: how ptxas' lines are read, and how numbers are merged and compared.
#include <doctest/doctest.h>

#include <filesystem>

#include "null_gpu/registers.hpp"

using namespace pretext::tests::null_gpu;

namespace {
translated_kernels one_kernel(kernel_resources on_h200) {
  translated_kernels all{.toolkit = 13000};
  all.add("sums<float>", 0, {.registers = 40});
  all.add("sums<float>", of_h200, on_h200);
  return all;
}
}  // namespace

TEST_CASE("ptxas' lines are read") {
  const auto found = parse_ptxas(
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'first' for 'sm_90a'\n"
      "ptxas info    : Function properties for first\n"
      "    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads\n"
      "ptxas info    : Used 94 registers, used 1 barriers, 8 bytes cumulative stack size\n"
      "ptxas info    : Compile time = 0.000 ms\n"
      "ptxas info    : Compiling entry function 'second' for 'sm_90a'\n"
      "ptxas info    : Function properties for second\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 7 registers, used 0 barriers\n");
  REQUIRE(found.size() == 2);
  CHECK(found[0].first == "first");
  CHECK(found[0].second.registers == 94);
  CHECK(found[0].second.stack_bytes == 8);
  CHECK(found[0].second.spilled_bytes == 16);
  CHECK(found[1].first == "second");
  CHECK(found[1].second.registers == 7);
  CHECK(found[1].second.spilled_bytes == 0);
}

TEST_CASE("kernels with the same short name count as one with the most of each") {
  translated_kernels all = one_kernel({.registers = 50, .stack_bytes = 16});
  all.add("sums<float>", of_h200, {.registers = 40, .spilled_bytes = 8});
  const kernel_resources& of = all.kernels.at("sums<float>")[of_h200];
  CHECK(of.registers == 50);
  CHECK(of.stack_bytes == 16);
  CHECK(of.spilled_bytes == 8);
}

TEST_CASE("registers are read as they were written") {
  const auto file = std::filesystem::temp_directory_path() / "pretext_registers.txt";
  const translated_kernels all = one_kernel({.registers = 50, .stack_bytes = 16, .spilled_bytes = 8});
  write_registers(file, all);
  const translated_kernels read = read_registers(file);
  std::filesystem::remove(file);
  CHECK(read.toolkit == 13000);
  CHECK(read.kernels.at("sums<float>")[0].registers == 40);
  CHECK(read.kernels.at("sums<float>")[of_h200].registers == 50);
  CHECK(increases(read, all).empty());
  CHECK(increases(all, read).empty());
}

TEST_CASE("more registers, stack or spills than committed are reported") {
  const auto found = increases(one_kernel({.registers = 50}),
                               one_kernel({.registers = 51, .stack_bytes = 16, .spilled_bytes = 8}));
  REQUIRE(found.size() == 3);
  CHECK(found[0] == "sums<float>: 51 registers on sm_90a, of which 50 are committed");
  CHECK(found[1] == "sums<float>: 16 bytes of stack, of which 0 are committed");
  CHECK(found[2] == "sums<float>: 8 spilled bytes, of which 0 are committed");
  translated_kernels others = one_kernel({.registers = 51});
  others.toolkit = 13010;
  CHECK(increases(one_kernel({.registers = 50}), others).empty());
  others.add("new", 0, {});
  CHECK(increases(one_kernel({}), others) ==
        std::vector<std::string>{"new: a kernel without committed registers"});
}
