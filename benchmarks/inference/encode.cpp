// pretext's side of the inference benchmark: writes an encoder as ONNX, then takes a turn whenever it reads a
// line: one call, then calls for 40 ms. Prints the milliseconds of the first call, and of the others on
// average, elapsed and of processor time. compare.py runs it.
//   inference.encode resnet18|vit-small|resnet18-thin|vit-tiny BATCH THREADS FILE.onnx
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include <pretext/inference.hpp>
#include <pretext/inference/write_onnx.hpp>
#include <pretext/training/initialise.hpp>

using namespace pretext;

namespace {

template <class Encoder, class Images>
int serve(std::size_t batch, std::size_t threads, const std::filesystem::path& onnx_file) {
  constexpr const auto& table = parameters_of<Encoder, Images>;
  std::vector<float> values(parameter_count(table));
  initialise<float>(table, 5, values.data());
  for (const parameter& p : table)  // γ of some batch norms starts at zero, which would leave work undone
    for (std::size_t i = 0; p.rank == 1 && i < p.size(); ++i) values[p.offset + i] += .5f;
  safetensors file;
  append_torch_tensors<float>(table, values.data(), "", file);
  const encoder_model<Encoder, Images> model{file, {}};
  write_onnx(onnx_file, model);

  std::vector<float> inputs(batch * Images::size);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    inputs[i] = static_cast<float>(random_key{3, 0, i}.uniform(0));
  inference_context context{model, {.threads = threads, .max_batch = batch}};
  const auto encode = [&] { return context.encode_tensor({inputs.data(), batch}); };
  encode();
  std::printf("ready\n");
  std::fflush(stdout);
  using clock = std::chrono::steady_clock;
  using milliseconds = std::chrono::duration<double, std::milli>;
  while (std::getchar() == '\n') {
    const auto start = clock::now();
    encode();
    const auto begin = clock::now();
    const std::clock_t processor = std::clock();
    milliseconds elapsed{};
    int calls = 0;
    for (; calls == 0 || elapsed.count() < 40; ++calls, elapsed = clock::now() - begin) encode();
    const double used = 1000. * static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC;
    std::printf("%.6f %.6f %.6f\n", milliseconds{begin - start}.count(), elapsed.count() / calls,
                used / calls);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count != 5) return std::fputs("usage: inference.encode ENCODER BATCH THREADS FILE.onnx\n", stderr), 1;
  const std::string encoder = words[1];
  const std::size_t batch = std::strtoull(words[2], nullptr, 10),
                    threads = std::strtoull(words[3], nullptr, 10);
  if (encoder == "resnet18") return serve<resnet18<>, shape<224, 224, 3>>(batch, threads, words[4]);
  if (encoder == "vit-small") return serve<vit_small<16>, shape<224, 224, 3>>(batch, threads, words[4]);
  if (encoder == "resnet18-thin")
    return serve<resnet18<stem::cifar, 16>, shape<32, 32, 3>>(batch, threads, words[4]);
  return serve<vit_tiny<4>, shape<32, 32, 3>>(batch, threads, words[4]);
}
