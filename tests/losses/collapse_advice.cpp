#include <pretext/losses/collapse_advice.hpp>

#include <doctest/doctest.h>
#include <pretext/losses/barlow_twins_loss.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/losses/masked_pixels.hpp>
#include <pretext/losses/negative_cosine.hpp>
#include <pretext/losses/nt_xent.hpp>

using namespace pretext;
using pretext::detail::collapse_advice;

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
