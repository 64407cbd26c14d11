#pragma once
#include <memory>
#include <string>
#include <vector>

#include "recipe.hpp"

namespace programs {

/// How messages and reports call a method.
struct method_info {
  std::string name;            // in recipes and on the command line
  std::string title;           // "SimCLR"
  std::string paper;           // "Chen et al. 2020"
  std::string loss;            // unit of the loss curve
  std::string description;     // first line of --help
  bool pairs_views = true;     // compares two views of an image, so that its embeddings can collapse
  bool learns_labels = false;  // of its images

  /// The words that a command line begins with.
  std::string program() const { return "pretrain " + name; }
};

/// A method of the program `pretrain`.
struct method_entry {
  method_info info;
  std::shared_ptr<recipe> defaults;        // its recipe with the options' default values
  bool (*is_compiled)();                   // into this program
  int (*pretrain)(int argc, char** argv);  // of the command line that begins with the method's name
};

/// The methods of all headers in examples/methods/.
const std::vector<method_entry>& methods();

/// What is known of a method; for a name without an entry the name is all there is.
method_info info_of(const std::string& method);

}  // namespace programs
