// A small ResNet learns the features of a vision transformer that is read from a file (docs/using.md).
#include <cstdio>
#include <filesystem>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/inference.hpp>
#include <pretext/inference/encoder_file.hpp>
#include <pretext/io/read_teacher.hpp>
#include <pretext/methods/distillation.hpp>

using namespace pretext;

// [distillation]
using images = shape<32, 32, 3>;
using large = vit<4, 64, 2, 4>;            // the teacher's type must be the one in its file
using network = resnet18<stem::cifar, 8>;  // what is trained may be any other encoder
using method = distillation<images, encoder<network>, teacher<large>>;
// [/distillation]

int main() {
  const auto folder = std::filesystem::temp_directory_path();
  const auto teacher_path = folder / "pretext_docs_teacher.safetensors";
  const auto path = folder / "pretext_docs_student.safetensors";
  {
    trainer<mae<images, large, mae_decoder<32, 1, 4>>, on<cpu>, sgd> trainer{{}, {}, {.seed = 1}};
    save_encoder(teacher_path, trainer, preprocessing_of(whole_image()));
  }
  // [train]
  trainer<method, on<cpu>, sgd> trainer{{.teacher_weights = read_teacher<large, images>(teacher_path)},
                                        {.momentum = 0.9},
                                        {.seed = 1, .threads = 2}};
  loader batches{builtin_source{{.count = 256}}, {.batch = 32}};
  // normalised as the teacher's images were
  const augmentation view{random_resized_crop<>{}, horizontal_flip{}, normalise{}};
  for (int step = 0; step < 16; ++step) {
    const double loss = trainer.step(view, batches.next(), {.learning_rate = 0.05});
    std::printf("step %d  minus the cosine with the teacher: %.3f\n", step + 1, loss);
  }
  save_encoder(path, trainer, preprocessing_of(whole_image()));  // of the trained encoder alone
  // [/train]
  std::filesystem::remove(teacher_path);
  std::filesystem::remove(path);
}
