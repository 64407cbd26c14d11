// expects: pretext::sequential: a layer does not list what it learns
#include <pretext/layers/linear.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
struct half_a_layer {
  template <Shape In>
  using output = In;
};
using method = joint_embedding<shape<16>, encoder<sequential<linear<8>, half_a_layer>>, projector<linear<8>>,
                               loss<nt_xent>>;
auto numbers = method::size;
