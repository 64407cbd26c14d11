#pragma once
#include <memory>
#include <type_traits>

#include <pretext/pretext.hpp>
#include <pretext/runtime/any_encoder.hpp>

#include "choices.hpp"
#include "encoder_list.hpp"
#include "untrained_encoder.hpp"

namespace programs {

template <class Device>
std::unique_ptr<pretext::any_encoder> untrained_encoder::make(const arguments& given,
                                                              const typename Device::stream& stream) {
  using namespace pretext;
  const recipe& config = given.config;
  const auto make_entry = [&]<class Encoder, std::size_t Size, std::size_t Channels>(
                              const compiled_encoder<Encoder, Size, Channels>&) {
    const auto view = make_augmentation(
        given.recorded ? preprocessing_for<Channels>(*given.recorded)
                       : preprocessing_of<Channels>(make_evaluation<Size, Channels>(config)));
    using adapter = encoder_adapter<Encoder, shape<Size, Size, Channels>, on<Device>,
                                    std::remove_const_t<decltype(view)>>;
    return std::make_unique<adapter>(view, config.seed, stream);
  };
  return with_encoders_of(config.method, [&](const auto& encoders) {
    return make_for_encoder<product>(encoders, config, make_entry);
  });
}

}  // namespace programs
