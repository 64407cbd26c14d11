// expects: pretext: masked images need an encoder of patches, such as vit<>
#include <pretext/encoders/masked/visible_only.hpp>
#include <pretext/encoders/resnet.hpp>
#include <pretext/masking/random_masking.hpp>
using namespace pretext;
using masked = masks_of<random_masking<>, patch_grid<shape<32, 32, 3>, 4>>;
auto numbers = drop_masked::network<resnet18<stem::cifar>, masked>::parameters();
