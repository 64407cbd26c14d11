#include <pretext/runtime/checkpoint.hpp>

#include "support/some_trainings.hpp"
#include "support/temporary_folder.hpp"

#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

#include <pretext/cpu.hpp>
#include <pretext/methods/swav.hpp>

using namespace pretext;
using namespace pretext::tests;

namespace {

template <class Optimizer, std::size_t Width = 6>
std::unique_ptr<any_trainer> make_simclr(Optimizer optimizer, std::uint64_t seed) {
  using method = simclr<tiny_images, thin_trunk<basic_block, 4>, simclr_head<Width, Width>>;
  return make_any_trainer(std::make_unique<trainer<method, on<cpu>, Optimizer>>(method{}, optimizer, seed),
                          two_views{one_view}, evaluation);
}

}  // namespace

TEST_CASE(
    "a checkpoint restores every buffer and its metadata, and training continues with the same losses") {
  const temporary_folder folder;
  const auto first = make_simclr(sgd{}, 1), second = make_simclr(sgd{}, 2);
  const pictures some(4);
  first->step(some.batch(1, 0), {.learning_rate = .1});
  const std::map<std::string, std::string> metadata{{"step", "1"}, {"identity", "a \"recipe\""}};
  save_checkpoint(folder / "checkpoint.safetensors", *first, metadata);
  REQUIRE(learned_bytes(*first) != learned_bytes(*second));
  CHECK(load_checkpoint(folder / "checkpoint.safetensors", *second) == metadata);
  CHECK(learned_bytes(*first) == learned_bytes(*second));
  CHECK(first->step(some.batch(1, 1), {.learning_rate = .1}) ==
        second->step(some.batch(1, 1), {.learning_rate = .1}));
}

TEST_CASE("SwAV's steps and AdamW's are two buffers of a checkpoint") {
  const temporary_folder folder;
  const auto path = folder / "checkpoint.safetensors";
  const auto make = [](std::uint64_t seed) {
    using method = swav<tiny_images, thin_trunk<basic_block, 4>, swav_head<9, 6>, 5>;
    return make_any_trainer(std::make_unique<trainer<method, on<cpu>, adamw>>(method{}, adamw{}, seed),
                            two_views{one_view}, evaluation);
  };
  const auto first = make(1), second = make(2);
  const pictures some(4);
  first->step(some.batch(1, 0), {.learning_rate = .1});
  save_checkpoint(path, *first, {});
  load_checkpoint(path, *second);
  CHECK(learned_bytes(*first) == learned_bytes(*second));
}

TEST_CASE("two buffers of one name are refused, because a checkpoint would lack one of them") {
  using method = simclr<tiny_images, thin_trunk<basic_block, 4>, simclr_head<6, 6>>;
  using learner = trainer<method, on<cpu>, sgd>;
  using adapter = trainer_adapter<learner, std::decay_t<decltype(two_views{one_view})>,
                                  std::decay_t<decltype(evaluation)>>;
  struct twice : adapter {
    using adapter::adapter;
    void for_each_buffer(const std::function<void(const saved_buffer&)>& visit) override {
      adapter::for_each_buffer(visit);
      adapter::for_each_buffer(visit);
    }
  };
  twice trained{std::make_unique<learner>(method{}, sgd{}, 1), two_views{one_view}, evaluation};
  const temporary_folder folder;
  check_throws<std::logic_error>([&] { save_checkpoint(folder / "checkpoint.safetensors", trained, {}); },
                                 "two buffers are called \"value\"");
}

TEST_CASE("a checkpoint of another optimizer, head or file format is refused by its name") {
  const temporary_folder folder;
  const auto path = folder / "checkpoint.safetensors";
  save_checkpoint(path, *make_simclr(sgd{}, 1), {});
  check_throws<std::runtime_error>([&] { load_checkpoint(path, *make_simclr(adamw{}, 1)); }, path.string(),
                                   "it is no checkpoint of this method and optimizer");
  check_throws<std::runtime_error>([&] { load_checkpoint(path, *make_simclr<sgd, 7>(sgd{}, 1)); },
                                   path.string(), "buffer \"value\" holds ",
                                   "it was made for another encoder, head or precision");
  check_throws<std::runtime_error>([&] { load_checkpoint(folder / "none", *make_simclr(sgd{}, 1)); },
                                   (folder / "none").string());
}

TEST_CASE("a checkpoint that is refused leaves the trainer as it was") {
  const temporary_folder folder;
  const auto path = folder / "checkpoint.safetensors";
  const auto trainer = make_simclr(sgd{}, 2);
  auto file = [&] {
    save_checkpoint(path, *make_simclr(sgd{}, 1), {});
    return read_safetensors(path);
  }();
  file.tensors.erase(std::prev(file.tensors.end()));
  write_safetensors(path, file);
  const auto before = learned_bytes(*trainer);
  CHECK_THROWS_AS(load_checkpoint(path, *trainer), std::runtime_error);
  CHECK(learned_bytes(*trainer) == before);
}

TEST_CASE("the metadata of a checkpoint is read without its buffers") {
  const temporary_folder folder;
  const auto path = folder / "checkpoint.safetensors";
  save_checkpoint(path, *make_simclr(sgd{}, 1), {{"step", "1"}});
  CHECK(read_safetensors_metadata(path) == std::map<std::string, std::string>{{"step", "1"}});
  check_throws<std::runtime_error>([&] { read_safetensors_metadata(folder / "none"); }, "none");
}
