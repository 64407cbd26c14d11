#include <doctest/doctest.h>

#include <type_traits>

#include <pretext/pretext.hpp>

// What a user composes after including the one header, without a device.
namespace user {

struct sparsity {
  template <class Context, pretext::Shape S>
  typename Context::loss_value operator()(Context&, pretext::reads<Context, S>,
                                          pretext::writes<Context, S>) const {
    return {};
  }
};

}  // namespace user

using namespace pretext;

TEST_CASE("pretext.hpp alone is enough to add a loss to a library loss and to train with the sum") {
  const auto loss = nt_xent{.temperature = 0.2} + 0.1 * user::sparsity{};
  static_assert(JointLoss<decltype(loss)>);
  CHECK(loss.first.temperature == 0.2);
  CHECK(loss.second.weight == 0.1);

  using images = shape<32, 32, 3>;
  using composed = joint_embedding<images, encoder<resnet18<stem::cifar, 16>>, projector<simclr_head<128>>,
                                   pretext::loss<std::remove_const_t<decltype(loss)>>>;
  static_assert(composed::size > composed::encoder_size);
}

TEST_CASE("pretext.hpp alone is enough to name each method and to count its parameters") {
  using images = shape<32, 32, 3>;
  using network = resnet18<stem::cifar, 16>;
  static_assert(simclr<images, network>::size > 0);
  static_assert(byol<images, network>::size > 0);
  using transformer_encoder = vit_tiny<4>;
  static_assert(mae<images, transformer_encoder, mae_decoder<32, 2, 4>>::size > 0);
  static_assert(simmim<images, transformer_encoder, block_masking<8>>::size > 0);
  static_assert(trainable_count(parameters_of<network, images>) > 0);
  static_assert(macs<network, images> > 0);
  static_assert(version >= version_number{0, 1, 0});
}
