// expects: pretext::joint_embedding: say which encoder<> to train
#include <pretext/layers/linear.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
struct agreement {};
using method = joint_embedding<shape<16>, projector<linear<8>>, loss<agreement>>;
auto numbers = method::size;
