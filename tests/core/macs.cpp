#include <doctest/doctest.h>

#include <pretext/core/macs.hpp>
#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/heads/projection.hpp>
#include <pretext/layers/gelu.hpp>

using namespace pretext;

namespace {

using large = shape<224, 224, 3>;
using tiny = shape<32, 32, 3>;

/// Is the count within one percent of `giga` · 10⁹?
constexpr bool about(std::size_t count, double giga) {
  const double ratio = static_cast<double>(count) / (giga * 1e9);
  return 0.99 < ratio && ratio < 1.01;
}

template <class Encoder, class In, std::size_t Classes>
constexpr std::size_t with_classes = macs<Encoder, In> + output_of<Encoder, In>::size* Classes;

}  // namespace

// ResNets with their classifier.
static_assert(about(with_classes<resnet18<>, large, 1000>, 1.814));
static_assert(about(with_classes<resnet34<>, large, 1000>, 3.664));
static_assert(about(with_classes<resnet50<>, large, 1000>, 4.089));
static_assert(about(with_classes<resnet101<>, large, 1000>, 7.801));
static_assert(about(with_classes<resnet50<stem::imagenet, 128>, large, 1000>, 16.1));
static_assert(about(with_classes<resnet50<stem::imagenet, 256>, large, 1000>, 64.0));
static_assert(about(with_classes<resnet18<stem::cifar>, tiny, 10>, 0.5554));
static_assert(about(with_classes<resnet34<stem::cifar>, tiny, 10>, 1.1594));
static_assert(about(with_classes<resnet50<stem::cifar>, tiny, 10>, 1.2978));
static_assert(about(with_classes<resnet101<stem::cifar>, tiny, 10>, 2.5100));

// Vision transformers; those for 224 pixels with their classifier.
static_assert(about(with_classes<vit_tiny<16>, large, 1000>, 1.254));
static_assert(about(with_classes<vit_small<16>, large, 1000>, 4.599));
static_assert(about(with_classes<vit_base<16>, large, 1000>, 17.564));
static_assert(about(with_classes<vit_large<16>, large, 1000>, 61.555));
static_assert(about(with_classes<vit_huge<14>, large, 1000>, 167.295));
static_assert(about(macs<vit_tiny<2>, tiny>, 1.669));
static_assert(about(macs<vit_tiny<4>, tiny>, 0.365));
static_assert(about(macs<vit_small<2>, tiny>, 6.067));
static_assert(about(macs<vit_small<4>, tiny>, 1.420));
static_assert(about(macs<vit_base<2>, tiny>, 23.05));
static_assert(about(macs<vit_base<4>, tiny>, 5.601));

// MAE: the encoder on the visible quarter of ViT-B's tokens, all patches embedded.
static_assert(about(macs<vit_base<16>::embedding, large> + macs<vit_base<16>::trunk, shape<50, 768>>, 4.41));

TEST_CASE("a linear layer multiplies once per weight and position; norms and activations are not counted") {
  CHECK(macs<linear<5>, shape<7>> == 35);
  CHECK(macs<linear<5>, shape<3, 7>> == 105);
  CHECK(macs<simclr_head<6, 5>, shape<8>> == 6 * 8 + 5 * 6);
  CHECK(macs<batch_norm<>, shape<8>> == 0);
  CHECK(macs<gelu, shape<4, 8>> == 0);
  CHECK(macs<attention<2>, shape<5, 8>> == 5 * 8 * 8 * 4 + 2 * 5 * 5 * 8);
}
