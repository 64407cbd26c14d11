// expects: pretext::joint_embedding: say which loss<> compares the views
#include <pretext/layers/linear.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
using method = joint_embedding<shape<16>, encoder<linear<8>>, projector<linear<8>>>;
auto numbers = method::size;
