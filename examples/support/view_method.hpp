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
#include "support/local_crops.hpp"
#include "support/method_info.hpp"
#include "support/presets.hpp"
#include "support/recipe.hpp"

// What methods that compare views of an image have in common, so that a program for one is a definition:
//   * info(): names and descriptions; lars: the variant of its LARS;
//   * options: a struct of hyper-parameters with add_fields(fields);
//   * method<Images, Encoder, Width>: the method for features of that width;
//   * configure(method, options, config): gives it its hyper-parameters;
//   * optionally views(preset, normalisation), instead of SimCLR's two views; vit_recipe, of methods on
//     vision transformers instead of convolutional encoders; learns_labels; sees_local_crops, of methods with
//     multi-crop, and local_view(preset, normalisation), instead of SimCLR's; and
//     adjust(config, step, per_epoch, values), which changes the values of a step: a group's learning rate.
namespace programs {

/// A method whose paper has multi-crop.
template <class Definition>
concept sees_local_crops = requires {
  Definition::sees_local_crops;
};

/// The options of such a method: its own, and how much its views differ.
template <class Definition>
struct view_options : Definition::options {
  double jitter = 0.5;
  double blur = 1;
  double color = 1;
  std::size_t local_crops = 0;
  double local_minimum_area = 0.05;

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
    if (sees_local_crops<Definition>)
      all.insert(all.end(), {{"local_crops", &local_crops, "--local-crops",
                              "small crops of each image, with 3/7 of the height and width of the two large "
                              "ones (multi-crop); as compiled",
                              range{.min = 0, .max = 99}, "0"},
                             {"local_minimum_area", &local_minimum_area, "--local-minimum-area",
                              "smallest area of a small crop, as a fraction of the image; the largest is "
                              "--minimum-area",
                              range{.min = 0, .max = 1, .above_min = true}, "0.05"}});
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

template <class Definition, class Images, class Normalisation>
concept has_local_view = requires(const pretext::view_preset& differ, const Normalisation& normalisation) {
  Definition::template local_view<Images>(differ, normalisation);
};
/// The view that small crops are.
template <class Definition, class Images, class Normalisation>
auto make_local_view(const pretext::view_preset& differ, const Normalisation& normalisation) {
  if constexpr (has_local_view<Definition, Images, Normalisation>)
    return Definition::template local_view<Images>(differ, normalisation);
  else
    return pretext::make_simclr_views<Images>(differ, normalisation).first;
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
    return make_for_encoder<product>(encoders_of<Definition>, config, [&](const auto& choice) {
      return make<Device>(config, stream, choice);
    });
  }

 private:
  template <class Device, class Choice>
  static std::unique_ptr<product> make(const arguments& config, const typename Device::stream& stream,
                                       const Choice&) {
    using namespace pretext;
    using images = typename Choice::images;
    const view_preset differ =
        views_of(config, {config.options.jitter, config.options.blur, config.options.color});
    const auto normalisation = make_normalisation<Choice::channels>(config);
    const auto large = make_views<Definition, images>(differ, normalisation);
    if constexpr (sees_local_crops<Definition>) {
      using encoder = all_sizes_of<typename Choice::encoder, images>;
      if (config.options.local_crops == 0)
        return make<Device, Choice, images, encoder>(config, stream, large);
      return for_local_crops<std::unique_ptr<product>>(
          config.options.local_crops, [&]<std::size_t Count>(crop_count<Count>) {
            constexpr std::size_t side = local_side<encoder>(Choice::size);
            using local = shape<side, side, Choice::channels>;
            const double least = config.options.local_minimum_area;
            expects(least <= config.minimum_area, "--local-minimum-area ", least,
                    " must be at most --minimum-area ", config.minimum_area,
                    ", because small crops show less of an image than large ones");
            const auto small = make_local_view<Definition, local>(
                local_crops_beside(differ, static_cast<float>(least)), normalisation);
            return make<Device, Choice, multi_crop<crops<2, images>, crops<Count, local>>, encoder>(
                config, stream, multi_crop_views{large, repeat_view<Count>(small)});
          });
    } else {
      return make<Device, Choice, images, typename Choice::encoder>(config, stream, large);
    }
  }

  /// A trainer on these views, one shape or a multi_crop.
  template <class Device, class Choice, class Shapes, class Encoder, class Views>
  static std::unique_ptr<product> make(const arguments& config, const typename Device::stream& stream,
                                       const Views& views) {
    using namespace pretext;
    using method = typename Definition::template method<Shapes, Encoder, Choice::feature>;
    method configured{};
    Definition::configure(configured, config.options, config);
    auto result = std::make_unique<trainer<method, on<Device>, optimizer>>(
        configured, make_optimizer(config, Definition::lars), config.seed, stream);
    return make_trainer_adapter<Definition>(std::move(result), views,
                                            make_evaluation<Choice::size, Choice::channels>(config));
  }
};

}  // namespace programs
