// expects: pretext::masked_modeling: every policy after the image shape must be encoder<>, masking<>,
// mask_mode<>
#include <pretext/encoders/vit.hpp>
#include <pretext/methods/mae.hpp>
using namespace pretext;
using method = masked_modeling<shape<32, 32, 3>, encoder<vit<4, 64, 2, 4>>, decoder<mae_decoder<>>,
                               projector<linear<8>>>;
auto numbers = method::size;
