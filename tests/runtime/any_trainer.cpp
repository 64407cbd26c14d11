#include "cuda/device_pair.hpp"
#include "cuda/isolated_device.hpp"
#include "support/some_trainings.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <concepts>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/runtime/checkpoint.hpp>
#include <pretext/runtime/reconstructor.hpp>

using namespace pretext;
using namespace pretext::tests;

// Trainings on a device whose memory the host cannot access, compared with the same on the CPU.
namespace {

std::vector<double> in_double(const std::vector<float>& numbers) { return {numbers.begin(), numbers.end()}; }

/// Everything that a caller can observe of a training after some steps.
template <class Trainer>
tests::results seen(Trainer& trained, std::size_t steps, std::size_t first = 0) {
  const pictures some(6);
  if constexpr (requires { trained.classes(); }) trained.set_labels(std::vector<int>(16, 1));
  tests::results all(1);
  for (std::size_t step = first; step < first + steps; ++step)
    all[0].push_back(trained.step(some.batch(5, static_cast<std::uint32_t>(step)), {.learning_rate = .05}));
  std::vector<float> numbers;
  trained.encode(some.views, numbers);
  trained.evaluation_views(some.views, numbers);
  all.push_back(in_double(numbers));
  all.push_back(in_double(trained.make_views(some.batch(5, 7))));
  const auto z = trained.last_embeddings();
  all.emplace_back(z.values.begin(), z.values.end());
  trained.read_values([&](const float* values) {
    all.emplace_back(values,
                     values + trained.parameters().back().offset + trained.parameters().back().size());
  });
  if constexpr (requires { trained.classes(); }) {
    std::vector<float> logits;
    trained.predict(some.views, logits);
    all.push_back(in_double(logits));
  }
  if (reconstructor* const masked = trained.reconstructor()) {
    const auto made = masked->reconstruct(some.batch(5, 0));
    all.push_back(in_double(made.images));
    all.push_back(in_double(made.predicted));
    all.emplace_back(made.masked.begin(), made.masked.end());
  }
  return all;
}

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

TEST_CASE("a program observes the same training from a device whose memory the host cannot access") {
  tests::all_near(seen(*make_byol<on<isolated_device>>(), 3), seen(*make_byol<on<cpu>>(), 3), 1e-3);
  tests::all_near(seen(*make_mae<on<isolated_device>>(), 3), seen(*make_mae<on<cpu>>(), 3), 1e-3);
  tests::all_near(seen(*make_classifier<on<isolated_device>>(), 3), seen(*make_classifier<on<cpu>>(), 3),
                  1e-3);
}

TEST_CASE("steps that a device records and replays equal those that it takes one by one") {
  const auto twice = [](const auto& trained) {
    const auto first = seen(*trained, 4), second = seen(*trained, 4, 4);  // observed in between
    return std::pair{first, second};
  };
  CHECK(twice(make_byol<on<emulated, fp32>>()) == twice(make_byol<on<isolated_device>>()));
  CHECK(twice(make_mae<on<emulated, fp32>>()) == twice(make_mae<on<isolated_device>>()));
  CHECK(twice(make_classifier<on<emulated, fp32>>()) == twice(make_classifier<on<isolated_device>>()));
}

TEST_CASE("a program reads floats from a device that stores bfloat16") {
  using rounded = on<isolated_device, bf16>;
  static_assert(std::same_as<rounded::activation, bfloat16>);
  tests::all_near(seen(*make_byol<rounded>(), 1), seen(*make_byol<on<cpu>>(), 1), 1e-1);
  tests::all_near(seen(*make_mae<rounded>(), 1), seen(*make_mae<on<cpu>>(), 1), 1e-1);
  tests::all_near(seen(*make_classifier<rounded>(), 1), seen(*make_classifier<on<cpu>>(), 1), 1e-1);
}

TEST_CASE("a run continues from a checkpoint of another device as from its own") {
  const temporary_folder folder;
  const auto continued = [&]<class From, class To>() {
    const auto first = make_byol<on<From>>(), other = make_byol<on<To>>();
    seen(*first, 2);
    save_checkpoint(folder / "half", *first, {{"step", "2"}});
    CHECK(load_checkpoint(folder / "half", *other).at("step") == "2");
    save_checkpoint(folder / "again", *other, {{"step", "2"}});
    CHECK(bytes_of(folder / "half") == bytes_of(folder / "again"));
    return seen(*other, 2, 2);
  };
  const auto expected = continued.operator()<cpu, cpu>();
  tests::all_near(continued.operator()<cpu, isolated_device>(), expected, 1e-3);
  tests::all_near(continued.operator()<isolated_device, cpu>(), expected, 1e-3);
  tests::all_near(continued.operator()<isolated_device, isolated_device>(), expected, 1e-3);
}

TEST_CASE("an encoder has the same initial weights on every device, and accepts others") {
  using network = tests::thin_trunk<basic_block, 4>;
  const auto features_on = []<class Device>(bool changed) {
    encoder_adapter<network, tiny_images, on<Device>, std::decay_t<decltype(evaluation)>> encoder{evaluation,
                                                                                                  3};
    if (changed)
      encoder.change_values([&](float* values) {
        for (const parameter& p : encoder.encoder_parameters())
          if (p.role == parameter_role::trainable && p.rank == 4)
            for (std::size_t i = 0; i < p.size(); ++i) values[p.offset + i] *= 2;
      });
    std::vector<float> features;
    encoder.encode(pictures(6).views, features);
    CHECK(features.size() == 6 * encoder.feature_width());
    return tests::results{in_double(features)};
  };
  for (const bool changed : {false, true})
    tests::all_near(features_on.operator()<isolated_device>(changed), features_on.operator()<cpu>(changed),
                    1e-5);
  CHECK(features_on.operator()<isolated_device>(true) != features_on.operator()<isolated_device>(false));
}

TEST_CASE("a loaded encoder starts the online and the target network, and heads keep their weights") {
  const auto loaded_on = []<class Device>() {
    const auto from = make_byol<on<cpu>>();
    from->change_values([&](float* values) {
      for (const parameter& p : from->encoder_parameters())
        for (std::size_t i = 0; i < p.size(); ++i) values[p.offset + i] = .25f;
    });
    const auto to = make_byol<on<Device>>();
    const auto buffer_of = [&](std::string_view name) {
      std::vector<float> copy;
      to->for_each_buffer([&](const saved_buffer& buffer) {
        if (buffer.name != name) return;
        copy.resize(buffer.count);
        buffer.read(copy.data());
      });
      return copy;
    };
    const auto value = buffer_of("value"), target = buffer_of("target");
    const pretrained_weights loaded = load_encoder(encoder_file(*from), *to);
    CHECK(loaded.tensors == to->encoder_parameters().size());
    std::size_t count = 0;
    for (const parameter& p : to->encoder_parameters()) count = std::max(count, p.offset + p.size());
    for (const auto& [name, before] : {std::pair{"value", value}, std::pair{"target", target}}) {
      const auto now = buffer_of(name);
      CHECK(now.size() > count);
      CHECK(std::all_of(now.begin(), now.begin() + std::ptrdiff_t(count), [](float x) { return x == .25f; }));
      CHECK(
          std::equal(now.begin() + std::ptrdiff_t(count), now.end(), before.begin() + std::ptrdiff_t(count)));
    }
  };
  loaded_on.operator()<cpu>();
  loaded_on.operator()<isolated_device>();
}
