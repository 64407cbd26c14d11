// expects: pretext::joint_embedding: the first group of the multi_crop<> must have as many views as the
// compares<> tells apart, two for one_way
#include <pretext/encoders/vit.hpp>
#include <pretext/methods/msn.hpp>
using namespace pretext;
using images = multi_crop<crops<3, shape<32, 32, 3>>, crops<4, shape<16, 16, 3>>>;
struct recipe : msn_pretraining {
  using grid = shape<32, 32, 3>;
};
using method = msn<images, vit<4, 64, 2, 4, recipe>>;
auto numbers = method::size;
