// The peer: dlib's only self-supervised loss, Barlow Twins, on a ResNet-50 with one training step.
#include <dlib/dnn.h>

namespace peer {

using namespace dlib;

template <int Filters, int Kernel, int Stride, typename Below>
using normed =
    bn_con<add_layer<con_<Filters, Kernel, Kernel, Stride, Stride, Kernel / 2, Kernel / 2>, Below>>;

template <int Width, int Stride, typename Below>
using bottleneck = normed<4 * Width, 1, 1, relu<normed<Width, 3, Stride, relu<normed<Width, 1, 1, Below>>>>>;

template <int Width, typename Below>
using identity_block = relu<add_prev1<bottleneck<Width, 1, tag1<Below>>>>;
template <int Width, int Stride, typename Below>
using projecting_block =
    relu<add_prev2<normed<4 * Width, 1, Stride, skip1<tag2<bottleneck<Width, Stride, tag1<Below>>>>>>>;

template <typename Below>
using identity_64 = identity_block<64, Below>;
template <typename Below>
using identity_128 = identity_block<128, Below>;
template <typename Below>
using identity_256 = identity_block<256, Below>;
template <typename Below>
using identity_512 = identity_block<512, Below>;

template <typename Below>
using trunk = avg_pool_everything<repeat<
    2, identity_512,
    projecting_block<
        512, 2,
        repeat<5, identity_256,
               projecting_block<
                   256, 2,
                   repeat<3, identity_128,
                          projecting_block<
                              128, 2,
                              repeat<2, identity_64,
                                     projecting_block<
                                         64, 1, max_pool<3, 3, 2, 2, relu<normed<64, 7, 2, Below>>>>>>>>>>>>;

template <int Out, typename Below>
using dense = add_layer<fc_<Out, FC_NO_BIAS>, Below>;

using network = loss_barlow_twins<
    dense<2048, relu<bn_fc<dense<2048, relu<bn_fc<dense<2048, trunk<input_rgb_image_pair>>>>>>>>>;

}  // namespace peer

int main() {
  peer::network net;
  dlib::dnn_trainer<peer::network, dlib::sgd> trainer{net, dlib::sgd{1e-6f, 0.9f}};
  std::vector<std::pair<dlib::matrix<dlib::rgb_pixel>, dlib::matrix<dlib::rgb_pixel>>> views(
      4, {dlib::matrix<dlib::rgb_pixel>(224, 224), dlib::matrix<dlib::rgb_pixel>(224, 224)});
  trainer.train_one_step(views);
  return 0;
}
