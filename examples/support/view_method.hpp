#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <pretext/pretext.hpp>
#include <pretext/runtime/any_trainer.hpp>
#include <pretext/runtime/labelled_trainer_adapter.hpp>

#include "support/choices.hpp"
#include "support/encoder_list.hpp"
#include "support/method_info.hpp"
#include "support/presets.hpp"
#include "support/recipe.hpp"

// What methods that compare views of an image have in common, so that a program for one is a definition:
//   * info(): names and descriptions; lars: the variant of its LARS;
//   * options: a struct of hyper-parameters with add_fields(fields);
//   * method<Images, Encoder, Width>: the method for features of that width;
//   * configure(method, options, config): gives it its hyper-parameters;
//   * optionally views(preset, normalisation), instead of SimCLR's two views; vit_recipe, of methods on
//   vision
//     transformers instead of convolutional encoders; learns_labels; and
//     adjust(config, step, per_epoch, values), which changes the values of a step: a group's learning rate.
namespace programs {

/// The options of such a method: its own, and how much its views differ.
template <class Definition>
struct view_options : Definition::options {
  double jitter = 0.5;
  double blur = 1;
  double color = 1;

  std::vector<field> fields(recipe& common) {
    std::vector<field> all;
    if (Definition::has_target)
      all.push_back({"target_momentum", &common.target_momentum, "--target-momentum",
                     "EMA decay of the target at the first step; it rises to 1", between{0, 1}});
    Definition::options::add_fields(all);
    all.insert(all.end(),
               {{"jitter", &jitter, "--jitter", "strength of the color jitter", non_negative{}},
                {"blur", &blur, "--blur",
                 "factor of the probability of blur, which views of more than 32 pixels have; 0: none",
                 between{0, 1}, "1"},
                {"color", &color, "--color",
                 "factor of saturation, hue and the probability of gray views; 0: colours keep their meaning",
                 between{0, 1}, "1"},
                preset_field(common)});
    return all;
  }
};

/// The rows of a queue: about as many as wanted, and a multiple of the batch.
inline std::size_t queue_capacity(std::size_t wanted, const recipe& config) {
  return std::max<std::size_t>(wanted / config.batch, 1) * config.batch;
}

/// The encoders of a definition.
template <class Definition>
inline constexpr const auto& encoders_of = convolutional;
template <class Definition>
  requires requires { typename Definition::vit_recipe; }
inline constexpr const auto& encoders_of<Definition> = vits<typename Definition::vit_recipe>;

/// A definition with views of its own. A concept, because nvcc takes a requires-expression in a lambda for
/// true.
template <class Definition, class Images, class Normalisation>
concept has_views = requires(const pretext::view_preset& differ, const Normalisation& normalisation) {
  Definition::template views<Images>(differ, normalisation);
};

/// The views that a definition's method learns from.
template <class Definition, class Images, class Normalisation>
auto make_views(const pretext::view_preset& differ, const Normalisation& normalisation) {
  if constexpr (has_views<Definition, Images, Normalisation>)
    return Definition::template views<Images>(differ, normalisation);
  else
    return pretext::make_simclr_views<Images>(differ, normalisation);
}

/// A trainer of a definition's method; one that learns labels has a constant `learns_labels`.
template <class Definition, class Trainer, class Views, class Evaluation>
std::unique_ptr<pretext::any_trainer> make_trainer_adapter(std::unique_ptr<Trainer> trainer,
                                                           const Views& views, const Evaluation& evaluation) {
  using namespace pretext;
  if constexpr (requires { Definition::learns_labels; })
    return std::make_unique<labelled_trainer_adapter<Trainer, Views, Evaluation>>(std::move(trainer), views,
                                                                                  evaluation);
  else
    return make_any_trainer(std::move(trainer), views, evaluation);
}

template <class Definition>
struct view_method {
  using product = pretext::any_trainer;
  using arguments = recipe_of<view_options<Definition>>;

  static method_info info() { return Definition::info(); }
  static std::string encoders() { return names_of(encoders_of<Definition>); }
  static void set_defaults(arguments& config) {
    if constexpr (requires { typename Definition::vit_recipe; }) suit_vision_transformer(config);
    if (Definition::has_target) config.target_momentum = 0.99;
  }
  static void adjust(const arguments& config, std::size_t step, std::size_t per_epoch,
                     pretext::step_values& values) {
    if constexpr (requires { Definition::adjust(config, step, per_epoch, values); })
      Definition::adjust(config, step, per_epoch, values);
  }

  template <class Device>
  static std::unique_ptr<product> make(const arguments& config, const typename Device::stream& stream) {
    using namespace pretext;
    return make_for_encoder<product>(
        encoders_of<Definition>, config,
        [&]<class Encoder, std::size_t Size, std::size_t Channels>(
            const compiled_encoder<Encoder, Size, Channels>& choice) {
          constexpr std::size_t width = std::decay_t<decltype(choice)>::feature;
          using images = shape<Size, Size, Channels>;
          using method = typename Definition::template method<images, Encoder, width>;
          method configured{};
          Definition::configure(configured, config.options, config);
          auto result = std::make_unique<trainer<method, on<Device>, optimizer>>(
              configured, make_optimizer(config, Definition::lars), config.seed, stream);
          const view_preset differ =
              views_of(config, {config.options.jitter, config.options.blur, config.options.color});
          const auto normalisation = make_normalisation<Channels>(config);
          return make_trainer_adapter<Definition>(std::move(result),
                                                  make_views<Definition, images>(differ, normalisation),
                                                  make_evaluation<Size, Channels>(config));
        });
  }
};

}  // namespace programs
