// expects: pretext::joint_embedding: the statistics<> must be joint_statistics, per_view_statistics or
#include <pretext/layers/linear.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
using method =
    joint_embedding<shape<16>, encoder<linear<8>>, projector<linear<8>>, loss<nt_xent>, statistics<int>>;
auto numbers = method::size;
