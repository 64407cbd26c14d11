// expects: pretext::joint_embedding: without a target<> the loss<> compares the views with one another
#include <pretext/layers/linear.hpp>
#include <pretext/losses/cosine_regression.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
using method = joint_embedding<shape<16>, encoder<linear<8>>, projector<linear<8>>, loss<cosine_regression>>;
auto numbers = method::size;
