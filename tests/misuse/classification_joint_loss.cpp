// expects: pretext::classification: the loss<> compares logits with soft targets
#include <pretext/layers/linear.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/classification.hpp>
using namespace pretext;
using method = classification<shape<16>, encoder<linear<8>>, classifier<linear<4>>, loss<nt_xent>>;
auto numbers = method::size;
