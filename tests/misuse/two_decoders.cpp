// expects: pretext::masked_modeling: decoder<> is given twice
#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/heads/linear_decoder.hpp>
#include <pretext/methods/masked_modeling.hpp>
using namespace pretext;
using method = masked_modeling<shape<32, 32, 3>, encoder<vit<4, 64, 2, 4>>, decoder<linear_decoder>,
                               decoder<linear_decoder>>;
auto numbers = method::size;
