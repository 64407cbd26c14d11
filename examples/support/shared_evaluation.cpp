#include "shared_evaluation.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include <pretext/core/expects.hpp>
#include <pretext/distributed/engine.hpp>
#include <pretext/distributed/likeness.hpp>
#include <pretext/evaluation/gather_features.hpp>
#include <pretext/runtime/detail/shard_of_run.hpp>
#include <pretext/runtime/run_options.hpp>

#include "ranks.hpp"

namespace programs {
namespace {

using namespace pretext;

/// The part of `count` things that belongs to a shard: from the first to before the second.
std::pair<std::size_t, std::size_t> part_of(std::size_t count, const shards_on_host& shards) {
  const auto first_of = [&](std::size_t shard) { return count * shard / shards.shards(); };
  return {first_of(shards.shard()), first_of(shards.shard() + 1)};
}

/// The part of a source that belongs to a shard, the index of its first image, and how it is read: all of its
/// images may be unreadable.
struct source_part {
  source_part(const any_source& source, const reading& whole, const shards_on_host& shards) : how{whole} {
    const auto [begin, end] = part_of(source.size(), shards);
    std::vector<std::size_t> indices(end - begin);
    std::iota(indices.begin(), indices.end(), begin);
    images = subset<any_source>{source, std::move(indices)};
    first = begin;
    how.may_leave_out_all = true;
  }

  any_source images;
  std::size_t first = 0;
  reading how;
};

/// Calls `work` on every shard. If it throws on one, throws on all: what the first of them says, or
/// `interrupted`.
template <class Work>
void call_on_all(shards_on_host& shards, const Work& work) {
  struct outcome {
    distributed::detail::short_text failure{};
    bool stopped = false;
  } own;
  try {
    work();
  } catch (const interrupted&) { own.stopped = true; } catch (const distributed::lost_rank&) {
    throw;
  } catch (const std::exception& error) {
    own.failure = distributed::detail::short_text{sentence_of_reading(error)};
  }
  std::vector<outcome> all(shards.shards());
  shards.all_gather({}, &own, all.data(), sizeof own);
  for (const outcome& each : all)
    if (!each.failure.view().empty()) throw_error<std::runtime_error>(each.failure.view());
  for (const outcome& each : all)
    if (each.stopped) throw interrupted{};
}

/// `table_of(source, how, faults)` of the whole source, of which each shard computes a part.
template <class TableOf>
feature_table in_parts(const any_source& source, const reading& how, shards_on_host& shards,
                       image_faults& faults, const TableOf& table_of) {
  const source_part part{source, how, shards};
  feature_table own;
  call_on_all(shards, [&] {
    image_faults found;
    own = table_of(part.images, part.how, found);
    for (auto& [index, fault] : found) faults[part.first + index] = std::move(fault);
  });
  pretext::detail::shard_of_run{&shards, std::chrono::minutes{1}}.join(faults);
  feature_table all = gather_features(shards, own);
  if (all.count == 0 && source.size() > 0)
    throw_error<std::runtime_error>("none of the ", source.size(), " images can be read; the first: ",
                                    faults.empty() ? "" : faults.begin()->second);
  return all;
}

}  // namespace

feature_table encode(any_encoder& encoder, const any_source& source, const reading& how,
                     shards_on_host* shards, image_faults* faults) {
  if (!shards) return encode(encoder, source, how, faults);
  image_faults unused;
  return in_parts(source, how, *shards, faults ? *faults : unused,
                  [&](const any_source& part, const reading& of_part, image_faults& found) {
                    return encode(encoder, part, of_part, &found);
                  });
}

feature_table pixels(any_encoder& encoder, const any_source& source, const reading& how,
                     shards_on_host* shards) {
  if (!shards) return pixels(encoder, source, how);
  image_faults unused;
  return in_parts(source, how, *shards, unused,
                  [&](const any_source& part, const reading& of_part, image_faults&) {
                    return pixels(encoder, part, of_part);
                  });
}

std::vector<float> knn_shares(const knn& vote, const feature_table& bank, const feature_table& queries,
                              const cpu::stream& stream, shards_on_host* shards) {
  if (!shards) return vote.shares(bank, queries, stream);
  const auto [first, last] = part_of(queries.count, *shards);
  feature_table own{last - first, classes_of(bank), {}, {}};
  call_on_all(*shards, [&, first = first, last = last] {
    const std::span<const float> rows{queries.row(first), (last - first) * queries.width};
    if (!rows.empty()) own.values = vote.shares(bank, feature_view{rows, queries.width}, stream);
  });
  return gather_features(*shards, own).values;
}

double knn_accuracy(any_encoder& encoder, const any_source& bank, const any_source& queries,
                    const reading& how, shards_on_host* shards) {
  const cpu::stream stream{how.threads};
  const feature_table rows = encode(encoder, bank, how, shards);
  if (!shards) return knn{}.accuracy(rows, encode(encoder, queries, how), stream);
  // The queries are not gathered: each shard classifies those that it has encoded.
  struct counts {
    std::uint64_t queries = 0, correct = 0;
  } own;
  const source_part part{queries, how, *shards};
  call_on_all(*shards, [&] {
    const feature_table table = encode(encoder, part.images, part.how);
    own.queries = table.count;
    if (own.queries > 0) own.correct = knn{}.count_correct(rows, table, stream);
  });
  std::vector<counts> all(shards->shards());
  shards->all_gather({}, &own, all.data(), sizeof own);
  counts sum;
  for (const counts& each : all) {
    sum.queries += each.queries;
    sum.correct += each.correct;
  }
  if (sum.queries == 0)
    throw_error<std::runtime_error>("none of the ", queries.size(), " test images can be read");
  return static_cast<double>(sum.correct) / static_cast<double>(sum.queries);
}

}  // namespace programs
