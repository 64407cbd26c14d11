#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <pretext/runtime/any_classifier.hpp>
#include <pretext/runtime/any_trainer.hpp>

#include "processor.hpp"
#include "recipe.hpp"

// One file per program makes its trainers and is linked into it alone: simclr.cpp, byol.cpp, mae.cpp,
// finetune.cpp, evaluate.cpp. Each stands on a header of templates (simclr_on.hpp …) that is compiled once
// more for the GPU, where there is a compiler for it: gpu/simclr.cu …, declared in on_gpu.hpp.
namespace programs {

/// The encoders that a method's program offers, one per line.
std::string simclr_encoders();
std::string byol_encoders();
std::string mae_encoders();

/// A trainer for the recipe; throws std::invalid_argument that lists the choices if its encoder was not
/// compiled, and std::runtime_error that says why if there is no GPU where one is asked for.
std::unique_ptr<pretext::any_trainer> make_simclr(const recipe& asked, const processor& where);
std::unique_ptr<pretext::any_trainer> make_byol(const recipe& asked, const processor& where);
std::unique_ptr<pretext::any_trainer> make_mae(const recipe& asked, const processor& where);

/// The encoders that `finetune` offers, and a classifier of so many classes on one of them; at most
/// `most_classes`.
std::string finetune_encoders();
inline constexpr std::size_t most_classes = 1000;
std::unique_ptr<pretext::any_classifier> make_classifier(const recipe& asked, std::size_t classes,
                                                         const processor& where);

/// The recipe's encoder, untrained, for `evaluate`.
std::unique_ptr<pretext::any_encoder> make_encoder(const recipe& asked, const processor& where);

/// A trainer behind the interface that programs use, with the views it learns from and is evaluated on.
template <class Trainer, class Views, class Evaluation>
std::unique_ptr<pretext::any_trainer> erase(std::unique_ptr<Trainer> trainer, Views views,
                                            Evaluation evaluation) {
  return std::make_unique<pretext::trainer_adapter<Trainer, Views, Evaluation>>(
      std::move(trainer), std::move(views), std::move(evaluation));
}

}  // namespace programs
