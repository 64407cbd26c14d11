// expects: pretext::classification: every policy after the image shape must be encoder<>, classifier<> or
// loss<>
#include <pretext/layers/linear.hpp>
#include <pretext/methods/classification.hpp>
using namespace pretext;
using method = classification<shape<16>, encoder<linear<8>>, classifier<linear<4>>, target<ema>>;
auto numbers = method::size;
