#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <pretext/training/any_classifier.hpp>
#include <pretext/training/any_trainer.hpp>

#include "recipe.hpp"

// One file per method makes its trainers, and is linked into that method's program alone: simclr.cpp,
// byol.cpp, mae.cpp.
namespace programs {

/// The encoders that a method's program offers, one per line.
std::string simclr_encoders();
std::string byol_encoders();
std::string mae_encoders();

/// A trainer for the recipe; throws std::invalid_argument that lists the choices if its encoder was not
/// compiled.
std::unique_ptr<pretext::any_trainer> make_simclr(const recipe& asked, std::size_t threads);
std::unique_ptr<pretext::any_trainer> make_byol(const recipe& asked, std::size_t threads);
std::unique_ptr<pretext::any_trainer> make_mae(const recipe& asked, std::size_t threads);

/// The encoders that `finetune` offers, and a classifier of so many classes on one of them; at most
/// `most_classes`.
std::string finetune_encoders();
inline constexpr std::size_t most_classes = 1000;
std::unique_ptr<pretext::any_classifier> make_classifier(const recipe& asked, std::size_t classes,
                                                         std::size_t threads);

/// A trainer behind the interface that programs use, with the views it learns from and is evaluated on.
template <class Trainer, class Views, class Evaluation>
std::unique_ptr<pretext::any_trainer> erase(std::unique_ptr<Trainer> trainer, Views views,
                                            Evaluation evaluation) {
  return std::make_unique<pretext::erased_trainer<Trainer, Views, Evaluation>>(
      std::move(trainer), std::move(views), std::move(evaluation));
}

}  // namespace programs
