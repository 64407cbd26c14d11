// expects: pretext::classification: say which classifier<> follows the encoder
#include <pretext/layers/linear.hpp>
#include <pretext/methods/classification.hpp>
using namespace pretext;
using method = classification<shape<16>, encoder<linear<8>>>;
auto numbers = method::size;
