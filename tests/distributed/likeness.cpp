// Tests of likeness.hpp.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/distributed/likeness.hpp>
#include <pretext/distributed/threads.hpp>

using namespace pretext::distributed;
using rank_type = threads::rank_type;

namespace {

/// What each of three ranks is told; empty if it was told nothing.
template <class Work>
std::vector<std::string> told(const Work& work) {
  std::vector<std::string> all(3);
  threads engine{3};
  engine.run([&](rank_type& rank) { all[rank.rank()] = work(rank); });
  return all;
}

std::vector<std::string> told_of(const std::vector<std::vector<trait>>& of_ranks) {
  return told([&](rank_type& rank) -> std::string {
    try {
      expects_alike(rank, of_ranks[rank.rank()], std::string{"host "} + "abc"[rank.rank()]);
    } catch (const std::runtime_error& difference) { return difference.what(); }
    return {};
  });
}

std::vector<std::string> all_three(const std::string& text) { return {text, text, text}; }

const trait version{"version", "0.1.0"}, avx2{"instruction set", "avx2", "set PRETEXT_ISA=avx2"},
    avx512{"instruction set", "avx512", "set PRETEXT_ISA=avx2"}, images{"data set", "50000 images"},
    fewer{"data set", "49998 images"};

}  // namespace

TEST_CASE("ranks that are alike go on") {
  CHECK(told_of({{version, avx2}, {version, avx2}, {version, avx2}}) == all_three(""));
  CHECK(told_of({{}, {}, {}}) == all_three(""));
}

TEST_CASE("the first difference is said with its ranks, their hosts, and what to do, to all alike") {
  CHECK(told_of({{version, avx512, images}, {version, avx2, images}, {version, avx2, fewer}}) ==
        all_three("rank 1 (host b) has another instruction set: avx2 where rank 0 (host a) has avx512; set "
                  "PRETEXT_ISA=avx2"));
  CHECK(
      told_of({{version, avx2, images}, {version, avx2, images}, {version, avx2, fewer}}) ==
      all_three("rank 2 (host c) has another data set: 49998 images where rank 0 (host a) has 50000 images"));
}

TEST_CASE("ranks with different numbers of traits, as of two versions, are told, too") {
  const auto all = told_of({{version, avx2}, {version, avx2}, {version}});
  CHECK(all == all_three(all[0]));
  CHECK(all[0].starts_with("rank 2 (host c) has another instruction set: "));
}

TEST_CASE("texts that agree in what is shown are told apart all the same") {
  const std::string same(2000, 'x');
  const auto all = told_of({{{"recipe", same + "a"}}, {{"recipe", same + "b"}}, {{"recipe", same + "a"}}});
  CHECK(all[0].starts_with("rank 1 (host b) has another recipe: xxx"));
}

TEST_CASE("what fails on one rank is said by all, with its name, and what fails on all without") {
  const auto failures = [](const std::vector<std::string>& own) {
    return told([&](rank_type& rank) { return failure_of_any(rank, own[rank.rank()], "a"); });
  };
  CHECK(failures({"", "", ""}) == all_three(""));
  CHECK(failures({"no images", "no images", "no images"}) == all_three("no images"));
  CHECK(failures({"", "no images", ""}) == all_three("rank 1 (a): no images"));
  CHECK(failures({"", "", "no memory"}) == all_three("rank 2 (a): no memory"));
  CHECK(failures({"no memory", "no images", ""}) == all_three("no memory"));
}
