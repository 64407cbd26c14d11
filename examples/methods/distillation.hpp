// pretrain distillation: an encoder learns to predict the features of a trained encoder of another type.
//   pretrain distillation --teacher out/large --data photos/ --encoder resnet18-thin --out out/small
#pragma once
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <pretext/io/read_teacher.hpp>
#include <pretext/methods/distillation.hpp>
#include <pretext/pretext.hpp>
#include <pretext/runtime/any_trainer.hpp>

#include "support/choices.hpp"
#include "support/encoder_list.hpp"
#include "support/method_info.hpp"
#include "support/presets.hpp"
#include "support/recipe.hpp"
#include "support/teacher.hpp"

namespace programs {

/// The distance of features that an option chooses: minus their cosine, or the smooth L1 distance.
struct chosen_distance {
  static constexpr bool compares_with_target = true;
  bool is_cosine = true;
  pretext::negative_cosine cosine{};
  pretext::feature_regression smooth_l1{.beta = 2};

  friend bool operator==(const chosen_distance&, const chosen_distance&) = default;

  template <class Context, pretext::Shape S>
  typename Context::loss_value operator()(Context& context,
                                          const pretext::loss_batch<Context, S, S>& batch) const {
    return is_cosine ? cosine(context, batch) : smooth_l1(context, batch);
  }
};

struct distillation_options {
  std::string teacher, teacher_encoder, teacher_checksum, distance = "cosine";

  std::vector<field> fields(recipe& common) {
    return {{"teacher", &teacher, "--teacher",
             "what to learn from: the folder of a run, or the file of an encoder in our, torchvision's, "
             "timm's or DINO's names"},
            {"teacher_encoder", &teacher_encoder, "--teacher-encoder",
             "its encoder, where the file does not record it: a name of CMake's list PRETEXT_TEACHERS"},
            {"teacher_checksum", &teacher_checksum},
            {"distance", &distance, "--distance", "between the features of student and teacher",
             one_of{{"cosine", "smooth_l1"}}},
            preset_field(common)};
  }
};

struct distillation {
  using product = pretext::any_trainer;
  using arguments = recipe_of<distillation_options>;

  static method_info info() {
    return {.name = "distillation",
            .title = "Distillation",
            .paper = "Beyer et al. 2022",
            .loss = "distance from the teacher's features",
            .description =
                "Trains an encoder to predict the features of a trained one, its teacher, without labels.",
            .pairs_views = false};
  }
  static std::string encoders() { return names_of(all_encoders); }
  static void set_defaults(arguments&) {}

  static void record_inputs(arguments& config) {
    config.options.teacher_checksum = checksum_of_teacher(config.options.teacher);
  }

  /// A resumed run must have the same teacher; a run of an earlier version has not recorded its teacher.
  static void expects_inputs(const arguments& config) {
    const auto& options = config.options;
    if (!options.teacher_checksum.empty()) expects_teacher(options.teacher, options.teacher_checksum);
  }

  template <class Device>
  static std::unique_ptr<product> make(const arguments& config, const typename Device::stream& stream) {
    const teacher_file file = find_teacher(config.options.teacher, config.options.teacher_encoder, config);
    return make_for_encoder<product>(all_encoders, config, [&]<class Student>(const Student&) {
      return with_teacher<Device, Student>(config, file, stream);
    });
  }

 private:
  /// The trainer of a student for the teacher of the file.
  template <class Device, class Student>
  static std::unique_ptr<product> with_teacher(const arguments& config, const teacher_file& file,
                                               const typename Device::stream& stream) {
    std::unique_ptr<product> result;
    const auto try_teacher = [&]<class Teacher>(const Teacher& entry) {
      if constexpr (std::is_same_v<typename Teacher::images, typename Student::images>)
        if (!result && entry.is(file.encoder, file.image_size, file.channels))
          result = make_trainer<Device, Student, Teacher>(config, file, stream);
    };
    std::apply([&](const auto&... entry) { (try_teacher(entry), ...); }, teachers.encoders);
    if (!result)
      throw_teacher_not_compiled({file.encoder, file.image_size, file.channels}, names_of(teachers));
    check_normalisation(file, *result);
    return result;
  }

  template <class Device, class Student, class Teacher>
  static std::unique_ptr<product> make_trainer(const arguments& config, const teacher_file& file,
                                               const typename Device::stream& stream) {
    using namespace pretext;
    using images = typename Student::images;
    using method = pretext::distillation<images, encoder<typename Student::encoder>,
                                         teacher<typename Teacher::encoder>, loss<chosen_distance>>;
    method configured;
    configured.loss.is_cosine = config.options.distance == "cosine";
    configured.teacher_weights = read_teacher<typename Teacher::encoder, images>(file.path);
    return make_any_trainer(
        std::make_unique<trainer<method, on<Device>, optimizer>>(configured, make_optimizer(config),
                                                                 config.seed, stream),
        make_mae_view<images>(views_of(config), make_normalisation<Student::channels>(config)),
        make_evaluation<Student::size, Student::channels>(config));
  }
};

}  // namespace programs
