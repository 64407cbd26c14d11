// expects: pretext::joint_embedding: with a target<> the loss<> compares predictions with the target
#include <pretext/layers/linear.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
using method =
    joint_embedding<shape<16>, encoder<linear<8>>, projector<linear<8>>, loss<nt_xent>, target<ema>>;
auto numbers = method::size;
