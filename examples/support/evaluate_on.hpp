#pragma once
#include <memory>
#include <tuple>
#include <type_traits>

#include <pretext/pretext.hpp>
#include <pretext/runtime/any_encoder.hpp>

#include "choices.hpp"
#include "encoder_list.hpp"

namespace programs {

/// An encoder on a device: evaluate.cpp makes the CPU's, gpu/evaluate.cu the GPU's.
template <class Device>
std::unique_ptr<pretext::any_encoder> make_encoder_on(const recipe& asked,
                                                      const typename Device::stream& stream) {
  using namespace pretext;
  return make_chosen<std::unique_ptr<any_encoder>>(
      std::tuple_cat(resnets, vits<>), asked,
      [&]<class Encoder, std::size_t Size>(const compiled<Encoder, Size>&) {
        const auto view = make_evaluation<Size>(asked);
        using made = encoder_adapter<Encoder, shape<Size, Size, 3>, on<Device>, std::decay_t<decltype(view)>>;
        return std::make_unique<made>(view, asked.seed, stream);
      });
}

}  // namespace programs
