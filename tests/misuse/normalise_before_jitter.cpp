// expects: pretext: an operation that needs pixels in [0, 1], such as color_jitter, follows normalise
#include <pretext/augment/presets.hpp>
using namespace pretext;
constexpr augmentation mistake{random_resized_crop<>{}, normalise{}, color_jitter<>{}};
