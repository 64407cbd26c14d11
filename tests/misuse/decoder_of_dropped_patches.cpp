// expects: pretext::linear_decoder: it needs a token for every patch
#include <pretext/heads/linear_decoder.hpp>
#include <pretext/masking/random_masking.hpp>
using namespace pretext;
using masked = masks_of<random_masking<>, patch_grid<shape<32, 32, 3>, 4>>;
auto numbers = linear_decoder::parameters<shape<1 + masked::visible, 64>, masked>();
