// expects: pretext::sequential: a layer does not accept the shape that the layer before it produces
#include <pretext/layers/linear.hpp>
#include <pretext/layers/relu.hpp>
#include <pretext/layers/residual.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
struct shrink : sequential<linear<32>, relu> {};
struct network : sequential<linear<64>, residual<shrink>, linear<8>> {};
using method = joint_embedding<shape<16>, encoder<network>, projector<linear<8>>, loss<nt_xent>>;
auto numbers = method::size;
