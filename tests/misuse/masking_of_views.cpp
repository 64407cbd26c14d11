// expects: pretext::joint_embedding: every policy after the image shape must be encoder<>, projector<>
#include <pretext/layers/linear.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/masking/random_masking.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
using method = joint_embedding<shape<16>, encoder<linear<8>>, projector<linear<8>>, loss<nt_xent>,
                               masking<random_masking<>>>;
auto numbers = method::size;
