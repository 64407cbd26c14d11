#include <pretext/layers/linear.hpp>
#include <pretext/layers/relu.hpp>
#include <pretext/layers/residual.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
struct keep : sequential<linear<64>, relu> {};
struct network : sequential<linear<64>, residual<keep>, linear<8>> {};
using method = joint_embedding<shape<16>, encoder<network>, projector<linear<8>>, loss<nt_xent>>;
static_assert(method::size > method::encoder_size);
