#include <pretext/losses/collapse_advice.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/losses/barlow_twins_loss.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/losses/decoupled_contrastive.hpp>
#include <pretext/losses/info_nce.hpp>
#include <pretext/losses/masked_pixels.hpp>
#include <pretext/losses/msn_loss.hpp>
#include <pretext/losses/nearest_neighbor_contrast.hpp>
#include <pretext/losses/negative_cosine.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/losses/queue_contrast.hpp>
#include <pretext/losses/self_distillation.hpp>
#include <pretext/losses/swapped_prediction.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;
using pretext::detail::chance_loss;
using pretext::detail::collapse_advice;

namespace {

constexpr std::size_t images = 6, width = 5;

/// Rows of so many views of the images, all the same.
std::vector<double> equal_rows(std::size_t views) {
  std::vector<double> rows;
  for (std::size_t i = 0; i < views * images; ++i) rows.insert(rows.end(), {.6, 0, 0, -.8, 0});
  return rows;
}

/// The loss of embeddings, scores and keys that are all alike, of so many views.
template <class Loss>
double loss_of_equal_rows(const Loss& loss, std::size_t views = 2, std::size_t target_views = 2,
                          const state_values& state = {}) {
  return run_batch<fp64, width>(loss, images, equal_rows(views), equal_rows(target_views), 0, {}, state)
      .value;
}

/// The keys of a queue of twice the images, as the rows.
const state_values equal_keys{{"queue", equal_rows(2)}};

}  // namespace

TEST_CASE("what to try after a collapse depends on the loss") {
  CHECK(collapse_advice<nt_xent>.find("temperature") != std::string_view::npos);
  CHECK(collapse_advice<negative_cosine>.find("predictor") != std::string_view::npos);
  CHECK(collapse_advice<negative_cosine>.find("temperature") == std::string_view::npos);
  CHECK(collapse_advice<barlow_twins_loss>.find("lambda") != std::string_view::npos);
  CHECK(collapse_advice<masked_pixels>.empty());
}

TEST_CASE("a composed loss has the advice of its parts") {
  CHECK(collapse_advice<weighted_loss<nt_xent>> == collapse_advice<nt_xent>);
  CHECK(collapse_advice<loss_sum<nt_xent, barlow_twins_loss>> == collapse_advice<nt_xent>);
}

TEST_CASE("a loss says how large it is for embeddings that are all alike") {
  const auto check = [](const auto& loss, double value) {
    CHECK(value > 0);
    CHECK(chance_loss(loss, images, width) == doctest::Approx(value).epsilon(1e-9));
  };
  const nt_xent twice{.temperature = .3, .weight = 2};
  check(twice, loss_of_equal_rows(twice, 2, 0));
  const decoupled_contrastive decoupled{.temperature = .3};
  check(decoupled, loss_of_equal_rows(decoupled, 2, 0));
  const info_nce between{.temperature = .3, .weight = 1.5};
  check(between, loss_of_equal_rows(between));
  const queue_contrast queue{.capacity = 2 * images};
  check(queue, loss_of_equal_rows(queue, 1, 1, equal_keys));
  const nearest_neighbor_contrast neighbors{.capacity = 2 * images};
  check(neighbors, loss_of_equal_rows(neighbors));
  check(weighted_loss<nt_xent>{3, twice}, 3 * loss_of_equal_rows(twice, 2, 0));
}

TEST_CASE("a loss of scores says how large it is for scores that prefer no prototype") {
  const std::vector<double> same(2 * images * width, .25), one_view(images * width, .25);
  const auto check = [&](const auto& loss, std::size_t target_views) {
    const double value =
        run_batch<fp64, width>(loss, images, same, target_views == 2 ? same : one_view).value;
    CHECK(chance_loss(loss, images, width) == doctest::Approx(value).epsilon(1e-9));
  };
  check(self_distillation{}, 2);
  check(swapped_prediction{}, 2);
  check(msn_loss{}, 1);
}

TEST_CASE("losses that are small for embeddings which are all alike name no loss of chance") {
  CHECK(chance_loss(negative_cosine{}, images, width) == 0);
  CHECK(chance_loss(masked_pixels{}, images, width) == 0);
}
