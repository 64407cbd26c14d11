#pragma once
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "pretrain.hpp"

namespace programs {

/// Adds the option of a field, which refuses other values than those that the field accepts.
void add_option(CLI::App& app, const field& member, const std::string& help);
/// Adds the options of a recipe's fields. `encoders`: the list of names_of, for --help.
void add_recipe_options(CLI::App& app, recipe& config, const std::string& encoders);
/// Adds the options that every program that trains has beside its recipe.
void add_training_options(CLI::App& app, training_options& options);
/// The names of the options that a command line, which was parsed, has: "--epochs".
std::vector<std::string> given_options(const CLI::App& app);
void add_compute_options(CLI::App& app, compute_options& compute);

}  // namespace programs
