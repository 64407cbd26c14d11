// The C++ half of compare_torchvision.py and compare_timm.py: features of given images by an encoder with
// given weights, and the other way round, fresh weights of ours with their features.
//   encode NETWORK read IMAGES.safetensors WEIGHTS.safetensors OUT.safetensors
//   encode NETWORK write IMAGES.safetensors WEIGHTS.safetensors OUT.safetensors
// NETWORK is resnet18, resnet50, mobilenet_v3_small, mobilenet_v3_large or vit_small.
#include <cstdio>
#include <string>

#include <pretext/cpu.hpp>
#include <pretext/io/torch_weights.hpp>

using namespace pretext;

template <class Encoder>
int run(bool reads_weights, const char* images_path, const char* weights_path, const char* out_path) {
  using In = shape<224, 224, 3>;
  using Out = output_of<Encoder, In>;
  constexpr const auto& table = parameters_of<Encoder, In>;
  on<cpu> context{.stream = cpu::stream{2}};
  std::vector<float> w(parameter_count(table));
  if (reads_weights) {
    read_torch_tensors<float>(table, read_safetensors(weights_path), "", w.data());
  } else {
    initialise<float>(table, 5, w.data());
    for (const parameter& p : table)  // no scale or statistic may stay at a value that hides a mistake
      for (std::size_t i = 0; p.rank == 1 && i < p.size(); ++i)
        w[p.offset + i] = w[p.offset + i] * 0.5f + 0.25f + 0.5f * random_key{9, 0, p.offset + i}.uniform(0);
    safetensors file;
    append_torch_tensors<float>(table, w.data(), "", file);
    write_safetensors(weights_path, file);
  }
  const safetensors given = read_safetensors(images_path);
  const auto planes = given.at("images").as<float>();  // (n, 3, 224, 224)
  const std::size_t n = planes.size() / In::size, places = position_count<In>;
  std::vector<float> x(planes.size()), h(n * Out::size);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = planes[(i / In::size * 3 + i % 3) * places + i % In::size / 3];
  Encoder::infer(context, weights<on<cpu>>{w.data(), nullptr}, reads<on<cpu>, In>{x.data(), n},
                 writes<on<cpu>, Out>{h.data(), n});
  safetensors out;
  out.tensors["features"] = safetensor::of<float>({n, Out::size}, h);
  write_safetensors(out_path, out);
  return 0;
}

int main(int count, char** words) {
  if (count != 6) return std::fputs("usage: encode NETWORK read|write IMAGES WEIGHTS OUT\n", stderr), 1;
  const bool reads_weights = std::string{words[2]} == "read";
  if (std::string{words[1]} == "resnet18")
    return run<resnet18<>>(reads_weights, words[3], words[4], words[5]);
  if (std::string{words[1]} == "mobilenet_v3_small")
    return run<mobilenet_v3_small>(reads_weights, words[3], words[4], words[5]);
  if (std::string{words[1]} == "mobilenet_v3_large")
    return run<mobilenet_v3_large>(reads_weights, words[3], words[4], words[5]);
  if (std::string{words[1]} == "vit_small")
    return run<vit_small<16, supervised_init>>(reads_weights, words[3], words[4], words[5]);
  return run<resnet50<>>(reads_weights, words[3], words[4], words[5]);
}
