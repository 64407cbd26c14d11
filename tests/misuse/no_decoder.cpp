// expects: pretext::masked_modeling: say which decoder<> predicts the masked patches
#include <pretext/encoders/vit.hpp>
#include <pretext/methods/masked_modeling.hpp>
using namespace pretext;
using method = masked_modeling<shape<32, 32, 3>, encoder<vit<4, 64, 2, 4>>>;
auto numbers = method::size;
