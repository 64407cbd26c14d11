#pragma once
#include <memory>
#include <string>
#include <vector>

#include "recipe.hpp"

namespace programs {

/// How messages and reports call a method.
struct method_info {
  std::string name;         // in recipes and in the name of the program, behind "pretrain_"
  std::string title;        // "SimCLR"
  std::string paper;        // "Chen et al. 2020"
  std::string loss;         // unit of the loss curve
  std::string description;  // first line of --help
  bool pairs_views = true;  // compares two views of an image, so that its embeddings can collapse

  std::string program() const { return "pretrain_" + name; }
};

/// A method that has a program, and its recipe with the options' default values.
struct method_entry {
  method_info info;
  std::shared_ptr<recipe> defaults;
};

template <class Method>
method_entry make_method_entry() {
  return {Method::info(), std::make_shared<typename Method::arguments>()};
}

/// All methods that have a program.
const std::vector<method_entry>& methods();

/// What is known of a method; for a name without a program the name is all there is.
method_info info_of(const std::string& method);

}  // namespace programs
