// expects: pretext::joint_embedding: encoder<> is given twice
#include <pretext/layers/linear.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
using method =
    joint_embedding<shape<16>, encoder<linear<8>>, encoder<linear<4>>, projector<linear<8>>, loss<nt_xent>>;
auto numbers = method::size;
