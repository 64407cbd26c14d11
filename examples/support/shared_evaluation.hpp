#pragma once
#include <vector>

#include <pretext/data/source.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/evaluation/knn.hpp>
#include <pretext/runtime/any_encoder.hpp>

#include "datasets.hpp"

// Evaluations whose images several shards share: each computes a part, and all get the result of the whole.
// All shards call these functions, with equal encoders. What one of them throws, all throw. Null: there is
// one shard.
namespace programs {

using shards_on_host = pretext::distributed::communicator<pretext::cpu>;

/// `encode` (datasets.hpp).
pretext::feature_table encode(pretext::any_encoder& encoder, const pretext::any_source& source,
                              const reading& how, shards_on_host* shards, image_faults* faults = nullptr);
/// `pixels` (datasets.hpp).
pretext::feature_table pixels(pretext::any_encoder& encoder, const pretext::any_source& source,
                              const reading& how, shards_on_host* shards);

/// `pretext::knn::shares`, for tables that all shards have.
std::vector<float> knn_shares(const pretext::knn& vote, const pretext::feature_table& bank,
                              const pretext::feature_table& queries, const pretext::cpu::stream& stream,
                              shards_on_host* shards);

/// The accuracy of weighted kNN on the encoder's features of `queries`, with those of `bank`.
double knn_accuracy(pretext::any_encoder& encoder, const pretext::any_source& bank,
                    const pretext::any_source& queries, const reading& how, shards_on_host* shards);

}  // namespace programs
