// safetensors files: what is read can be converted, loaded as weights and written again.
#include "fuzz/fuzz.hpp"

#include <algorithm>
#include <vector>

#include <pretext/encoders/resnet.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/inference/encoder_metadata.hpp>
#include <pretext/io/load_encoder.hpp>
#include <pretext/io/safetensors.hpp>

namespace {

using namespace pretext;

template <class Encoder>
void load_as(const safetensors& file, const std::string& name) {
  static constexpr auto table = parameters_of<Encoder, shape<16, 16, 3>>;
  static std::vector<float> value(weight_count<Encoder, shape<16, 16, 3>>);
  tests::expect_value_or_sentence(name, [&] { read_pretrained(std::span{table}, file, value.data()); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tests::memory_file input{{data, size}};
  const std::string name = input.path().string();
  tests::expect_value_or_sentence(name, [&] {
    const safetensors file = read_safetensors(input.path());
    for (const auto& named : file.tensors)
      tests::expect_value_or_sentence<std::invalid_argument>("", [&] { named.second.as<float>(); });
    tests::expect_value_or_sentence(name, [&] { read_encoder_info(file); });
    load_as<resnet18<stem::cifar, 2>>(file, name);
    load_as<vit<8, 16, 1, 2>>(file, name);

    static const std::filesystem::path written =
        std::filesystem::temp_directory_path() / ("pretext_fuzz_" + std::to_string(::getpid()));
    write_safetensors(written, file);
    const safetensors reread = read_safetensors(written);
    std::filesystem::remove(written);
    tests::require(reread.metadata == file.metadata, "written metadata is read again");
    tests::require(std::ranges::equal(reread.tensors, file.tensors,
                                      [](const auto& a, const auto& b) {
                                        return a.first == b.first && a.second.dtype == b.second.dtype &&
                                               a.second.shape == b.second.shape &&
                                               a.second.bytes == b.second.bytes;
                                      }),
                   "written tensors are read again");
  });
  return 0;
}
