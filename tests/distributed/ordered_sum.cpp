#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <pretext/distributed/ordered_sum.hpp>
#include <pretext/distributed/threads.hpp>

using namespace pretext::distributed;

namespace {

template <class T>
using arrays = std::vector<std::vector<T>>;

/// Values of very different magnitudes: another order of additions has other bits.
template <class T>
arrays<T> some_arrays(std::size_t shards, std::size_t count) {
  std::mt19937 random{static_cast<unsigned>(shards * 1000 + count)};
  std::normal_distribution<double> draw;
  arrays<T> all(shards, std::vector<T>(count));
  for (auto& array : all)
    for (T& value : array) value = static_cast<T>(draw(random) * std::exp(6 * draw(random)));
  return all;
}

/// What every rank has, as if each had its shards on one thread.
template <class T>
arrays<T> summed(arrays<T> all, std::size_t ranks, std::size_t piece = 1 << 10) {
  const std::size_t shards = all.size(), local = shards / ranks, count = all[0].size();
  threads engine{ranks};
  engine.run([&](threads::rank_type& rank) {
    std::vector<T*> own;
    for (std::size_t i = 0; i < local; ++i) own.push_back(all[rank.rank() * local + i].data());
    ordered_sum sum{shards, ranks, rank.rank(), piece};
    sum.add_local(own.data(), 0, count / 3);
    sum.add_local(own.data(), count / 3, count);
    sum.add_ranks(rank, own.data(), count);
  });
  arrays<T> firsts;
  for (std::size_t rank = 0; rank < ranks; ++rank) firsts.push_back(all[rank * local]);
  return firsts;
}

/// Equal bits; of a NaN, that it is one.
template <class T, class Bits>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<Bits>(a[i]) != std::bit_cast<Bits>(b[i]) && !(std::isnan(a[i]) && std::isnan(b[i])))
      return false;
  return a.size() == b.size();
}

template <class T, class Bits>
void has_the_same_bits(const arrays<T>& all) {
  const std::vector<T> expected = summed(all, 1)[0];
  for (std::size_t ranks = 1; ranks <= all.size(); ++ranks) {
    if (all.size() % ranks != 0) continue;
    CAPTURE(all.size());
    CAPTURE(ranks);
    for (const auto& each : summed(all, ranks)) CHECK(same_bits<T, Bits>(each, expected));
  }
}

}  // namespace

TEST_CASE("an ordered sum has the same bits for every number of ranks") {
  for (const std::size_t shards : {1u, 2u, 3u, 4u, 6u, 7u, 8u, 12u})
    for (const std::size_t count : {1u, 5u, 1000u}) {
      has_the_same_bits<float, std::uint32_t>(some_arrays<float>(shards, count));
      has_the_same_bits<double, std::uint64_t>(some_arrays<double>(shards, count));
    }
}

TEST_CASE("an ordered sum does not depend on the size of its pieces") {
  const auto all = some_arrays<float>(6, 999);
  const auto whole = summed(all, 3, 1 << 20);
  for (const std::size_t piece : {1u, 64u, 4000u}) CHECK(summed(all, 3, piece) == whole);
}

TEST_CASE("an ordered sum is the sum, and adds zeros with a sign, infinities and NaN like any other order") {
  auto all = some_arrays<float>(6, 100);
  for (std::size_t shard = 0; shard < 6; ++shard) {
    all[shard][0] = -0.f;
    all[shard][1] = shard == 4 ? std::numeric_limits<float>::infinity() : 1.f;
    all[shard][2] = shard == 3 ? std::nanf("") : 1.f;
    all[shard][3] = shard < 2 ? (shard == 0 ? 1.f : -1.f) * std::numeric_limits<float>::infinity() : 0.f;
  }
  has_the_same_bits<float, std::uint32_t>(all);
  const auto sum = summed(all, 3)[0];
  CHECK((sum[0] == 0 && std::signbit(sum[0])));
  CHECK(sum[1] == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(sum[2]));
  CHECK(std::isnan(sum[3]));
  for (std::size_t i = 4; i < 100; ++i) {
    double expected = 0, magnitude = 0;
    for (const auto& array : all) {
      expected += double{array[i]};
      magnitude += std::abs(double{array[i]});
    }
    CHECK(std::abs(double{sum[i]} - expected) <= 1e-6 * magnitude);
  }
}
