// expects: pretext::sequential: a layer does not accept the shape that the layer before it produces
#include <pretext/layers/linear.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
using method =
    joint_embedding<shape<8, 8, 3>, encoder<sequential<linear<64>>>, projector<linear<8>>, loss<nt_xent>>;
auto numbers = method::size;
