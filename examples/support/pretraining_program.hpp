#pragma once
#include <memory>
#include <string>

#include "method_info.hpp"
#include "on_device.hpp"
#include "pretrain.hpp"

namespace programs {

/// Reads the command line of a method, whose name is its first word, and trains; returns the exit status.
/// Errors are one message on stderr.
int run_pretraining(int argc, char** argv, const pretraining& method, const std::string& encoders);

/// `pretrain METHOD ...`, for a class of examples/methods/.
template <class Method>
int pretrain_with(int argc, char** argv) {
  using pretext::any_trainer;
  typename Method::arguments config;
  config.method = Method::info().name;
  if constexpr (requires { Method::set_defaults(config); }) Method::set_defaults(config);
  const pretraining method{
      Method::info(),
      config,
      [&] {
        if constexpr (requires { Method::record_inputs(config); }) Method::record_inputs(config);
      },
      [&] {
        if constexpr (requires { Method::expects_inputs(config); }) Method::expects_inputs(config);
      },
      [&](const compute_options& compute) { return make_on_device<Method>(config, compute); },
      [&](any_trainer& trainer, const datasets& data) {
        auto sheets = augmented_views(trainer, config, data);
        if constexpr (requires { Method::add_pictures(trainer, config, data, sheets); })
          Method::add_pictures(trainer, config, data, sheets);
        return sheets;
      },
      [&](std::size_t step, std::size_t per_epoch, pretext::step_values& values) {
        if constexpr (requires { Method::adjust(config, step, per_epoch, values); })
          Method::adjust(config, step, per_epoch, values);
      }};
  return run_pretraining(argc, argv, method, Method::encoders());
}

/// The entry of a class of examples/methods/ in the list of methods.
template <class Method>
method_entry make_method_entry() {
  return {Method::info(), std::make_shared<typename Method::arguments>(),
          [] { return !makers<Method>().empty(); }, &pretrain_with<Method>};
}

/// `main` of the program `pretrain`, whose first word chooses the method.
int pretrain_main(int argc, char** argv);

}  // namespace programs
