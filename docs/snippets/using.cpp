// Saves an encoder, loads it, and encodes frames from two threads; saves and loads a classifier
// (docs/using.md).
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <pretext/core/image_layout.hpp>
#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/inference.hpp>
#include <pretext/inference/classifier_file.hpp>

using namespace pretext;

// [types]
using images = shape<32, 32, 3>;                // rows, columns, channels of the encoder's input
using encoder_type = resnet18<stem::cifar, 8>;  // must be the type that was trained
// [/types]

int main() {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / "pretext_docs_using.safetensors";
  const std::filesystem::path classifier_path =
      std::filesystem::temp_directory_path() / "pretext_docs_classifier.safetensors";
  {
    trainer<simclr<images, encoder_type>, on<cpu>, sgd> trainer{{}, {}, {.seed = 1}};
    // [save]
    save_encoder(path, trainer, preprocessing_of(whole_image()));
    // [/save]
  }
  image frame;
  builtin_source{{.count = 1}}.read(0, frame);
  const image_view camera_frame = frame;  // 8-bit (H, W, C) pixels: your camera's memory, not copied

  // [encode]
  const encoder_model<encoder_type, images> model{path};  // constant: any number of threads may share it

  const auto work = [&](std::vector<float>& result) {
    inference_context context{model, {.threads = 1}};                     // one per thread
    const std::span<const float> feature = context.encode(camera_frame);  // valid until the next call
    result.assign(feature.begin(), feature.end());
  };
  std::vector<float> first, second;
  std::thread other{work, std::ref(first)};
  work(second);
  other.join();
  // [/encode]

  {
    std::vector<std::uint8_t> memory(40 * 160);
    const std::uint8_t* const bgra = memory.data();
    inference_context context{model, {.threads = 1}};
    // [frames]
    // 40 rows of 36 BGRA pixels, 160 bytes apart; a region of 32 x 32 pixels from row 4, column 2.
    image_view region = with_row_stride(view_of(bgra + 4 * 160 + 2 * 4, 32, 32, 4), 160);
    context.encode(reversed_channels(first_channels(region, 3)));
    // [/frames]
  }
  {
    using method = classification<images, encoder<encoder_type>, classifier<linear_classifier<10>>>;
    trainer<method, on<cpu>, sgd> trainer{{}, {}, {.seed = 1}};
    const std::vector<std::string> class_names(10, "class");
    // [save_classifier]
    save_classifier(classifier_path, trainer, class_names, preprocessing_of(whole_image()));
    // [/save_classifier]
  }
  {
    // [classify]
    const classifier_model<encoder_type, images> fine_tuned{classifier_path};  // threads may share it
    classifier_context context{fine_tuned, {.threads = 2}};                    // one per thread
    const predicted_class found = context.classify(camera_frame);
    std::printf("%s: %.2f\n", std::string{found.name}.c_str(), static_cast<double>(found.probability));
    const std::span<const float> all = context.probabilities(camera_frame);  // of every class
    // [/classify]
    if (all.size() != fine_tuned.classes()) return 1;
  }

  std::filesystem::remove(path);
  std::filesystem::remove(classifier_path);
  std::printf("%zu values, the same from both threads: %d\n", first.size(), first == second);
  return first == second && first.size() == model.feature_size ? 0 : 1;
}
