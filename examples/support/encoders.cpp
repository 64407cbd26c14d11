#include "encoders.hpp"

#include <string>
#include <tuple>

#include <pretext/cpu.hpp>
#include <pretext/io/pretrained.hpp>

#include "choices.hpp"
#include "encoder_list.hpp"

namespace programs {

using namespace pretext;

std::unique_ptr<any_encoder> make_encoder(const recipe& asked, std::size_t threads) {
  return make_chosen<std::unique_ptr<any_encoder>>(
      std::tuple_cat(resnets, vits<>), asked,
      [&]<class Encoder, std::size_t Size>(const compiled<Encoder, Size>&) {
        const auto view = make_evaluation<Size>(asked);
        using made = erased_encoder<Encoder, shape<Size, Size, 3>, on<cpu>, std::decay_t<decltype(view)>>;
        return std::make_unique<made>(view, asked.seed, cpu::stream{threads});
      });
}

void load_encoder(const std::filesystem::path& path, any_encoder& encoder) {
  read_pretrained<float>(encoder.encoder_parameters(), read_safetensors(path), encoder.values());
}

}  // namespace programs
