#include "cuda/device_pair.hpp"
#include "cuda/isolated_device.hpp"
#include "support/some_trainings.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/kernels/gpu/operations.hpp>

using namespace pretext;
using namespace pretext::tests;

// Steps on images that were uploaded to a device, compared with steps on a loader's batches of the same
// images.
namespace {

constexpr std::size_t picture_count = 13;
const loader_options in_fours{.batch = 4, .seed = 5};

std::vector<step_values> schedule(std::size_t first, std::size_t steps) {
  std::vector<step_values> all;
  for (std::size_t i = first; i < first + steps; ++i)
    all.push_back({0.05 / (1 + 0.2 * double(i)), 0.9 + 0.005 * double(i)});
  return all;
}

/// Steps on a loader's batches, each loss read before the next step.
void loaded_steps(any_trainer& trained, std::size_t first, std::size_t steps, std::vector<double>& losses) {
  loader batches{picture_source(picture_count), in_fours};
  batches.seek(0, first);
  for (const auto& rates : schedule(first, steps)) { losses.push_back(trained.step(batches.next(), rates)); }
}

/// The same steps, all enqueued before a loss is read.
void queued_steps(any_trainer& trained, std::size_t first, std::size_t steps, std::vector<double>& losses) {
  loader batches{picture_source(picture_count), in_fours};
  batches.seek(0, first);
  for (const auto& rates : schedule(first, steps)) { trained.enqueue(batches.next(), rates); }
  const auto seen = trained.wait_losses();
  losses.insert(losses.end(), seen.begin(), seen.end());
}

/// Steps on uploaded images.
void uploaded_steps(any_trainer& trained, std::size_t first, std::size_t steps, std::vector<double>& losses) {
  trained.enqueue_uploaded(first, schedule(first, steps));
  const auto seen = trained.wait_losses();
  losses.insert(losses.end(), seen.begin(), seen.end());
}

/// The losses of eleven steps that `take(trainer, losses)` takes, and everything that was learned.
template <class Trainer, class Take>
auto after(const std::unique_ptr<Trainer>& trained, const Take& take) {
  if constexpr (requires { trained->classes(); }) trained->set_labels(pictures(picture_count).labels);
  std::vector<double> losses;
  take(*trained, losses);
  CHECK(losses.size() == 11);
  return std::pair{losses, learned_bytes(*trained)};
}

template <class Context>
void same_steps() {
  const auto compare = [](const auto& make) {
    const auto expected =
        after(make(), [](auto& trained, auto& losses) { loaded_steps(trained, 0, 11, losses); });
    CHECK(after(make(), [](auto& trained, auto& losses) { queued_steps(trained, 0, 11, losses); }) ==
          expected);
    CHECK(after(make(), [](auto& trained, auto& losses) {
            REQUIRE(trained.upload_dataset(picture_source(picture_count), in_fours).empty());
            uploaded_steps(trained, 0, 1, losses);
            uploaded_steps(trained, 1, 7, losses);
            uploaded_steps(trained, 8, 3, losses);
          }) == expected);
    // From one kind to the other and back, in the middle of epochs of three steps.
    CHECK(after(make(), [](auto& trained, auto& losses) {
            loaded_steps(trained, 0, 5, losses);
            REQUIRE(trained.upload_dataset(picture_source(picture_count), in_fours).empty());
            uploaded_steps(trained, 5, 5, losses);
            queued_steps(trained, 10, 1, losses);
          }) == expected);
  };
  compare([] { return make_byol<Context>(); });
  compare([] { return make_mae<Context>(); });
  compare([] { return make_classifier<Context>(); });
}

/// Pictures of which one cannot be read or has another size.
struct odd_pictures {
  memory_source good = picture_source(picture_count);
  std::size_t broken = picture_count, larger = picture_count;

  std::size_t size() const { return good.size(); }
  int label(std::size_t i) const { return good.label(i); }
  const std::vector<std::string>& class_names() const { return good.class_names(); }
  std::string name(std::size_t i) const { return "picture " + std::to_string(i); }
  void read(std::size_t i, image& out) const {
    if (i == broken) throw bad_image{name(i) + ": is no picture"};
    good.read(i, out);
    if (i == larger) out = {13, 12, 3, std::vector<std::uint8_t>(13 * 12 * 3)};
  }
};

}  // namespace

TEST_CASE("steps on uploaded images equal those on a loader's batches, bit for bit") {
  same_steps<on<emulated>>();
  same_steps<on<emulated, fp32>>();
  same_steps<on<isolated_device>>();
}

TEST_CASE(
    "upload_dataset returns why images were not uploaded, and training continues with a loader's batches") {
  const auto trained = make_byol<on<isolated_device>>();
  const auto error = [&](const any_source& images, loader_options how = in_fours) {
    const std::string reason = trained->upload_dataset(images, how);
    CHECK_THROWS_AS(trained->enqueue_uploaded(0, schedule(0, 1)), std::logic_error);
    return reason;
  };
  CHECK(error(odd_pictures{.broken = 7}) == "picture 7: is no picture");
  CHECK(error(odd_pictures{.broken = 0}) == "picture 0: is no picture");
  CHECK(error(odd_pictures{.larger = 9}).find("have one size") != std::string::npos);
  CHECK(error(picture_source(picture_count), {.batch = 4, .drop_last = false}).find("smaller") !=
        std::string::npos);
  const std::size_t bytes = picture_count * 12 * 12 * 3, before = isolated_device::free_memory();
  isolated_device::free_memory() = 8 * bytes - 1;
  CHECK(error(picture_source(picture_count)).find("more than an eighth") != std::string::npos);
  isolated_device::free_memory() = 8 * bytes;
  CHECK(trained->upload_dataset(picture_source(picture_count), in_fours).empty());
  isolated_device::free_memory() = before;
  std::vector<double> losses;
  loaded_steps(*trained, 0, 2, losses);
  CHECK(make_byol<on<cpu>>()
            ->upload_dataset(picture_source(picture_count), in_fours)
            .find("where the images are") != std::string::npos);
  CHECK_THROWS_WITH_AS(trained->upload_dataset(picture_source(picture_count), {.batch = 14}),
                       doctest::Contains("choose a smaller batch"), std::invalid_argument);
}

TEST_CASE("a classifier uploads images only with the labels of set_labels") {
  const auto trained = make_classifier<on<isolated_device>>();
  CHECK_THROWS_WITH_AS(trained->upload_dataset(picture_source(picture_count), in_fours),
                       doctest::Contains("call set_labels"), std::invalid_argument);
  auto labels = pictures(picture_count).labels;
  labels[5] = 0;
  trained->set_labels(labels);
  CHECK_THROWS_WITH_AS(trained->upload_dataset(picture_source(picture_count), in_fours),
                       doctest::Contains("the label 0 for index 5 of the images in memory"),
                       std::invalid_argument);
}

TEST_CASE("steps on another kind of batch are refused while losses are unread") {
  const auto trained = make_byol<on<isolated_device>>();
  const pictures some(4);
  const auto enqueue = [&](std::uint64_t seed) { trained->enqueue(some.batch(seed, 0), {.01, .9}); };
  enqueue(1);
  enqueue(1);
  CHECK_THROWS_AS(enqueue(2), std::logic_error);
  CHECK_THROWS_AS(trained->upload_dataset(picture_source(picture_count), in_fours), std::logic_error);
  CHECK(trained->wait_losses().size() == 2);
  enqueue(2);
  CHECK(trained->wait_losses().size() == 1);
}
