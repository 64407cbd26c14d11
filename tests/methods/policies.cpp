#include <doctest/doctest.h>

#include <concepts>

#include <pretext/layers/linear.hpp>
#include <pretext/losses/cosine_regression.hpp>
#include <pretext/losses/nt_xent.hpp>
#include <pretext/methods/joint_embedding.hpp>
#include <pretext/methods/policies.hpp>

using namespace pretext;

TEST_CASE("a policy is found in any position, and left out it is the default") {
  using list = detail::policies<loss<nt_xent>, encoder<linear<8>>, target<ema>>;
  static_assert(std::same_as<list::pick<encoder, void>, linear<8>>);
  static_assert(std::same_as<list::pick<loss, void>, nt_xent>);
  static_assert(std::same_as<list::pick<target, shared_weights>, ema>);
  static_assert(std::same_as<list::pick<statistics, joint_statistics>, joint_statistics>);
  static_assert(std::same_as<detail::policies<>::pick<encoder, int>, int>);
}

TEST_CASE("a policy given twice is found, also where both name the same type") {
  using list = detail::policies<encoder<int>, encoder<int>, target<int>, target<char>, projector<int>>;
  static_assert(!list::at_most_once<encoder> && !list::at_most_once<target>);
  static_assert(list::at_most_once<projector> && list::at_most_once<loss>);
}

TEST_CASE("a policy is known by its template, not by the type in it") {
  static_assert(detail::is_known<projector<linear<8>>, encoder, projector>);
  static_assert(!detail::is_known<predictor<linear<8>>, encoder, projector>);
  static_assert(!detail::is_known<linear<8>, encoder, projector>);
}

TEST_CASE("the order of policies changes neither parts nor parameters of a method") {
  using one = joint_embedding<shape<16>, encoder<linear<8>>, projector<linear<4>>, predictor<linear<4>>,
                              target<ema>, loss<cosine_regression>>;
  using other = joint_embedding<shape<16>, loss<cosine_regression>, predictor<linear<4>>, target<ema>,
                                projector<linear<4>>, encoder<linear<8>>>;
  static_assert(std::same_as<one::encoder, other::encoder> && std::same_as<one::predictor, other::predictor>);
  static_assert(one::parameters.size() == other::parameters.size() && one::size == other::size);
  for (std::size_t row = 0; row < one::parameters.size(); ++row)
    CHECK(one::parameters[row].name() == other::parameters[row].name());
}

TEST_CASE("the momentum of an EMA target is in [0, 1]") {
  CHECK_NOTHROW(ema{.momentum = 0}.check());
  CHECK_NOTHROW(ema{.momentum = 1}.check());
  CHECK_THROWS_WITH_AS(ema{.momentum = -0.1}.check(), doctest::Contains("must be in [0, 1]"),
                       std::invalid_argument);
}
