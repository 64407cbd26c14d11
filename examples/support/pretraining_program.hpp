#pragma once
#include <string>
#include <utility>

#include "on_device.hpp"
#include "pretrain.hpp"

namespace programs {

/// Reads the command line of a pretraining program and trains; returns its exit status. Errors are one
/// message on stderr.
int run_pretraining(int argc, char** argv, const pretraining& method, const std::string& encoders);

/// `main` of the program pretrain_<method>, for a class of examples/methods/.
template <class Method>
int pretrain_with(int argc, char** argv) {
  using pretext::any_trainer;
  typename Method::arguments config;
  config.method = Method::info().name;
  if constexpr (requires { Method::set_defaults(config); }) Method::set_defaults(config);
  const pretraining method{
      Method::info(), config,
      [&](const compute_options& compute) { return make_on_device<Method>(config, compute); },
      [&](any_trainer& trainer, const datasets& data) {
        auto sheets = augmented_views(trainer, config, data);
        if constexpr (requires { Method::add_pictures(trainer, config, data, sheets); })
          Method::add_pictures(trainer, config, data, sheets);
        return sheets;
      }};
  return run_pretraining(argc, argv, method, Method::encoders());
}

}  // namespace programs
