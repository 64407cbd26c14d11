// expects: pretext::masked_modeling: the decoder<> must be a Decoder
#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/heads/linear_decoder.hpp>
#include <pretext/methods/masked_modeling.hpp>
using namespace pretext;
using method = masked_modeling<shape<32, 32, 3>, encoder<vit<4, 64, 2, 4>>, decoder<int>>;
auto numbers = method::size;
