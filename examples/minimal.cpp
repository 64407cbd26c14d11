// SimCLR in thirty lines: a thin ResNet-18 learns from unlabelled images, is saved, and encodes others.
#include <cstdio>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/evaluation/knn.hpp>
#include <pretext/inference/encode_source.hpp>

using namespace pretext;
using images = shape<32, 32, 3>;            // rows, columns, channels
using network = resnet18<stem::cifar, 16>;  // features of 128 values
using method = simclr<images, network, simclr_head<128, 128, affine::scale, torch_init>>;

int main() {
  const builtin_source pictures{{.count = 4000}}, unseen{{.count = 1000, .first = 4000}};
  const training_length length{.images = 4000, .batch = 50, .epochs = 4};
  const auto preset = simclr_for(image_kind::small_images);  // views, temperature, learning rate by batch
  const auto views = make_simclr_views<images>(preset.views);
  const auto rate = preset.schedule(length);
  loader batches{pictures, {.batch = length.batch}};
  trainer<method, on<cpu>, sgd> learner{{preset.loss()}, preset.make_sgd(), {.seed = 1, .threads = 2}};

  for (std::size_t step = 1; step <= length.steps(); ++step) {
    const double loss = learner.step(views, batches.next(), {.learning_rate = rate(double(step - 1))});
    if (step % 40 == 0) std::printf("step %3zu  loss %.3f\n", step, loss);
  }
  save_encoder("minimal.safetensors", learner, {.fit = image_fit::whole});

  const encoder_model<network, images> model{"minimal.safetensors"};  // threads may share it
  inference_context context{model, {.threads = 2}};                   // each thread has its own
  const feature_table bank = encode_source(context, pictures), queries = encode_source(context, unseen);
  std::printf("accuracy of kNN on unseen images: %.3f\n", knn{.k = 20}.accuracy(bank, queries));
  image picture;
  unseen.read(0, picture);  // 8-bit pixels of any size
  std::printf("a feature of %zu values\n", context.encode(picture).size());
}
