#pragma once
#include <string>

namespace programs {

/// What people call a method.
struct method_card {
  std::string name;         // in recipes, and behind "pretrain_" the program
  std::string title;        // "SimCLR"
  std::string paper;        // "Chen et al. 2020"
  std::string loss;         // unit of the loss curve
  bool pairs_views = true;  // it learns from two views of an image, and could collapse

  std::string program() const { return "pretrain_" + name; }
};

/// The card of a method; one without a card is called by its name.
method_card card_of(const std::string& method);

}  // namespace programs
