#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include <pretext/core/fixed_string.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/sequential.hpp>

using namespace pretext;

namespace {
template <fixed_string Text>
constexpr std::string_view text_of = Text;
}  // namespace

TEST_CASE("equal strings are the same template argument, and keep their text") {
  static_assert(text_of<"conv1"> == "conv1" && text_of<""> == "");
  static_assert(std::string_view{fixed_string{"layer1.0"}}.size() == 8);
  CHECK(&text_of<"conv1"> == &text_of<"conv1">);
  CHECK(static_cast<const void*>(&text_of<"conv1">) != &text_of<"conv2">);
}

TEST_CASE("the name of a layer is part of the path of its parameters") {
  constexpr auto table = parameters_of<sequential<named<"fc", linear<2>>>, shape<3>>;
  CHECK(std::string{table[0].name()} == "fc.weight");
}
