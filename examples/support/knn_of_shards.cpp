#include "knn_of_shards.hpp"

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/distributed/likeness.hpp>
#include <pretext/evaluation/gather_features.hpp>
#include <pretext/evaluation/knn.hpp>
#include <pretext/runtime/run_options.hpp>

#include "exit_status.hpp"

namespace programs {
namespace {

using namespace pretext;
using shards_on_host = distributed::communicator<cpu>;

/// The images of a shard: the source in as many parts as there are shards, one after another.
any_source part_of(const any_source& source, const shards_on_host& shards) {
  const auto first_of = [&](std::size_t shard) { return source.size() * shard / shards.shards(); };
  const std::size_t first = first_of(shards.shard());
  std::vector<std::size_t> part(first_of(shards.shard() + 1) - first);
  std::iota(part.begin(), part.end(), first);
  return subset<any_source>{source, std::move(part)};
}

/// Calls `work` on every shard. If it throws on one, throws on all: `interrupted`, or what the first one
/// says.
template <class Work>
void call_on_all(shards_on_host& shards, const Work& work) {
  struct outcome {
    distributed::detail::short_text failure{};
    bool stopped = false;
  } own;
  try {
    work();
  } catch (const interrupted&) { own.stopped = true; } catch (const std::exception& error) {
    own.failure = distributed::detail::short_text{sentence_of(error)};
  }
  std::vector<outcome> all(shards.shards());
  shards.all_gather({}, &own, all.data(), sizeof own);
  for (const outcome& each : all)
    if (!each.failure.view().empty()) throw_error<std::runtime_error>(each.failure.view());
  for (const outcome& each : all)
    if (each.stopped) throw interrupted{};
}

}  // namespace

double measure_knn(any_encoder& encoder, const any_source& bank, const any_source& queries,
                   const reading& how, shards_on_host* shards) {
  const cpu::stream stream{how.threads};
  if (!shards) return knn{}.accuracy(encode(encoder, bank, how), encode(encoder, queries, how), stream);

  feature_table rows, own_queries;
  reading part = how;
  part.may_leave_out_all = true;
  call_on_all(*shards, [&] {
    rows = encode(encoder, part_of(bank, *shards), part);
    own_queries = encode(encoder, part_of(queries, *shards), part);
  });
  rows = gather_features(*shards, rows);
  struct counts {
    std::uint64_t queries = 0, correct = 0;
  } own;
  call_on_all(*shards, [&] {
    own.queries = own_queries.count;
    if (own.queries > 0) own.correct = knn{}.count_correct(rows, own_queries, stream);
  });
  std::vector<counts> all(shards->shards());
  shards->all_gather({}, &own, all.data(), sizeof own);
  counts sum;
  for (const counts& each : all) {
    sum.queries += each.queries;
    sum.correct += each.correct;
  }
  expects(rows.count > 0 && sum.queries > 0, "kNN: not one of the images can be read");
  return static_cast<double>(sum.correct) / static_cast<double>(sum.queries);
}

}  // namespace programs
