#pragma once
#include <functional>
#include <string>

#include <CLI/CLI.hpp>

#include "pretrain.hpp"

namespace programs {

/// Options that every program that trains has: about its images, its steps, and how it is run.
void add_data_options(CLI::App& app, recipe& asked, const std::string& encoders);
void add_training_options(CLI::App& app, recipe& asked);
void add_running_options(CLI::App& app, pretrain_options& o);
/// What every program is told about where it calculates.
void add_processor_options(CLI::App& app, processor& where);

/// A program that pretrains with one method: `main` is one call of `run`.
struct pretraining_program {
  recipe defaults;                                      // its method's name among them
  std::string description;                              // the first line of --help
  std::string encoders;                                 // those it was compiled with, one per line
  std::function<void(CLI::App&, recipe&)> add_options;  // of this method alone
  trainer_maker make;
  picture_maker show = augmented_views;

  /// Reads the command line, trains, and returns the exit status; errors are one sentence on stderr.
  int run(int count, char** words) const;
};

}  // namespace programs
