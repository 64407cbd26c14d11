#pragma once
#include <pretext/data/source.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/runtime/any_encoder.hpp>

#include "datasets.hpp"

namespace programs {

/// The accuracy of weighted kNN on the features of `queries`, with those of `bank`. With `shards`, all of
/// which call it with equal encoders, each one encodes a part of the images and classifies a part of the
/// queries, and all get the accuracy of the whole. What one of them throws, all throw.
double measure_knn(pretext::any_encoder& encoder, const pretext::any_source& bank,
                   const pretext::any_source& queries, const reading& how,
                   pretext::distributed::communicator<pretext::cpu>* shards);

}  // namespace programs
