// Parts of a step, timed one by one.
#include "repeated_part.hpp"
#include "whole_steps.hpp"

namespace benchmarks {
namespace {

using namespace pretext;
using context = on<cuda_gpu>;
using T = context::activation;

template <std::size_t Side, std::size_t Out, class Views>
struct augmented_views {
  std::size_t batch;
  Views views;
  device_dataset<cuda_gpu> images{random_images<Side>(batch)};
  buffer<std::uint64_t, cuda_gpu> samples = on_device(indices(batch));
  tensor<T, shape<Out, Out, 3>, cuda_gpu> input{Views::views * batch};

  void operator()(context& at) {
    augment(at, views, images.chosen(samples.data(), batch), 1, device_scalar<std::uint32_t>{3},
            input.view());
  }

  static std::vector<std::uint64_t> indices(std::size_t count) {
    std::vector<std::uint64_t> all(count);
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
};

struct contrastive_loss {
  using embedding = shape<128>;
  std::size_t rows;
  buffer<T, cuda_gpu> z = on_device(random_values<T>(rows * embedding::size));
  buffer<T, cuda_gpu> dz{rows * embedding::size};

  void operator()(context& at) {
    cuda_gpu::clear(at.stream, dz.data(), dz.size());
    pretext::nt_xent{}(at, reads<context, embedding>{z.data(), rows},
                       writes<context, embedding>{dz.data(), rows});
  }
};

/// LARS and the EMA update over ResNet-50's parameters.
struct lars_and_ema {
  static constexpr auto table = parameters_of<resnet50<>, shape<224, 224, 3>>;
  lars optimizer{};
  lars::state_type<context> state{table};
  kernels::parameter_chunks<cuda_gpu> target_chunks{std::span<const parameter>{table}};
  buffer<float, cuda_gpu> value = on_device(random_values<float>(parameter_count(table)));
  buffer<float, cuda_gpu> gradient = on_device(random_values<float>(parameter_count(table)));
  buffer<float, cuda_gpu> target = on_device(random_values<float>(parameter_count(table)));

  void operator()(context& at) {
    const float* const read = gradient.data();
    optimizer(at, std::span<const parameter>{table}, state, 1e-6, read, value.data());
    kernels::optimize<cuda_gpu>::ema_update(at, target_chunks, .996, static_cast<const float*>(value.data()),
                                            target.data());
  }
};

/// ViT-B's attention over the quarter of the patches that are visible in MAE.
struct vit_attention {
  static constexpr kernels::attention_extents extents{50, 768, 12};
  std::size_t batch;
  std::size_t elements = batch * extents.tokens * extents.width;
  buffer<T, cuda_gpu> qkv = on_device(random_values<T>(3 * elements)), y{elements},
                      dy = on_device(random_values<T>(elements)), dqkv{3 * elements};
  buffer<float, cuda_gpu> log_sum{batch * extents.heads * extents.tokens};

  void operator()(context& at) {
    using attention = kernels::attention<cuda_gpu>;
    attention::forward(at, extents, batch, static_cast<const T*>(qkv.data()), y.data(), log_sum.data());
    attention::backward(at, extents, batch, static_cast<const T*>(qkv.data()),
                        static_cast<const T*>(y.data()), static_cast<const float*>(log_sum.data()),
                        static_cast<const T*>(dy.data()), dqkv.data());
  }
};

template <std::size_t Side, std::size_t Out, class Views>
std::unique_ptr<timed_work> views_part(std::size_t batch, Views views) {
  return make_part(new augmented_views<Side, Out, Views>{.batch = batch, .views = views});
}

}  // namespace

std::unique_ptr<timed_work> augment_32(std::size_t batch) {
  return views_part<32, 32>(batch, two_views{simclr_cifar<multiplicative_brightness>()});
}
std::unique_ptr<timed_work> augment_224(std::size_t batch) {
  return views_part<256, 224>(batch, two_views{simclr_imagenet<multiplicative_brightness>()});
}
std::unique_ptr<timed_work> nt_xent(std::size_t rows) { return make_part(new contrastive_loss{rows}); }
std::unique_ptr<timed_work> lars_and_average(std::size_t) { return make_part(new lars_and_ema{}); }
std::unique_ptr<timed_work> attention(std::size_t batch) { return make_part(new vit_attention{batch}); }

}  // namespace benchmarks
