// expects: pretext::joint_embedding: with a masking<> the encoder<> must be a PatchEncoder whose feature is
// its class token, such as vit with the recipe msn_pretraining
#include <pretext/encoders/resnet.hpp>
#include <pretext/heads/projection.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/masking/random_masking.hpp>
#include <pretext/methods/joint_embedding.hpp>
using namespace pretext;
using method = joint_embedding<shape<32, 32, 3>, encoder<resnet18<stem::cifar>>, projector<simclr_head<64>>,
                               loss<nt_xent>, masking<random_masking<>>>;
auto numbers = method::size;
