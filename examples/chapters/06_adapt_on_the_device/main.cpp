// Adapts a trained encoder to the frames of a camera while another thread uses it (docs/chapters).
#include <chrono>
#include <cstdio>
#include <memory>
#include <stop_token>
#include <thread>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/image_reservoir.hpp>
#include <pretext/inference/inference_context.hpp>
#include <pretext/inference/model_slot.hpp>
#include <pretext/runtime/online_training.hpp>

using namespace pretext;
using namespace std::chrono_literals;

// [types]
using images = shape<32, 32, 3>;
using network = resnet18<stem::cifar, 16>;  // of chapter 1
using learner = trainer<simclr<images, network>, on<cpu>, sgd>;
using encoder_type = encoder_model<network, images>;
// [/types]

int main() {
  // [frames]
  image_reservoir frames{{.capacity = 64}};         // a uniform sample of all frames so far
  std::jthread camera{[&](std::stop_token ended) {  // your camera's thread
    const builtin_source scene{{.count = 400, .seed = 2}};
    image frame;
    for (std::size_t i = 0; !ended.stop_requested(); ++i) {
      scene.read(i % scene.size(), frame);
      frames.push(frame);  // copies its pixels
      std::this_thread::sleep_for(1ms);
    }
  }};
  // [/frames]

  // [trainer]
  const two_views views{augmentation{random_resized_crop<>{.area = {.3f, 1}}, horizontal_flip{}}};
  const auto trained = make_any_trainer(
      std::make_unique<learner>(learner::method_type{}, sgd{.momentum = .9}), views, whole_image());
  load_encoder("out/photos/encoder.safetensors", *trained);
  // [/trainer]

  // [adapt]
  online_training training{*trained, frames, {.batch = 32}};
  model_slot<encoder_type> newest;
  std::jthread learning{[&](std::stop_token stop) {  // or where your program has time
    frames.wait_for(64, stop);
    training.choose_batch(1s);  // the largest batch, up to 32, whose step takes at most a second
    while (training.steps() < 10 && !stop.stop_requested()) {
      training.work_for(2s, stop);  // starts no step that would not end in time
      newest.publish(std::make_shared<const encoder_type>(encoder_file(*trained)));
    }
    training.save("out/adapted.safetensors");  // `load` continues from it
  }};
  // [/adapt]
  while (!newest.get()) std::this_thread::sleep_for(10ms);

  image frame;
  builtin_source{{.count = 1}}.read(0, frame);
  // [use]
  const auto model = newest.get();  // in any thread, while the training goes on
  inference_context context{*model};
  const auto feature = context.encode(frame);
  std::printf("a feature of %zu values\n", feature.size());
  // [/use]

  learning.join();
  if (training.steps() < 10) return 1;
  std::printf("%zu frames are held\n", frames.size());
}
