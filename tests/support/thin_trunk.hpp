#pragma once
#include <pretext/encoders/resnet.hpp>

namespace pretext::tests {

/// The thin trunk of the reference cases: CIFAR stem, two blocks, one block with stride 2, mean over all
/// positions.
template <template <std::size_t, std::size_t, initial_scale> class Block, std::size_t Width>
struct thin_trunk
    : sequential<named<"", at_depth<0, fused_convolution<"conv1", "bn1", convolution<Width, 3>>>>,
                 named<"layer1", at_depth<1, sequential<Block<Width, 1, initial_scale::one>,
                                                        Block<Width, 1, initial_scale::one>>>>,
                 named<"layer2", at_depth<2, sequential<Block<2 * Width, 2, initial_scale::one>>>>,
                 global_average_pool> {};

}  // namespace pretext::tests
