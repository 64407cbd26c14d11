// expects: pretext::sequential: it has at most 100 layers
#include <utility>

#include <pretext/layers/relu.hpp>
#include <pretext/layers/sequential.hpp>
using namespace pretext;
template <std::size_t>
using one = relu;
template <std::size_t... Nth>
auto of(std::index_sequence<Nth...>) -> sequential<one<Nth>...>;
auto numbers = weight_count<decltype(of(std::make_index_sequence<101>{})), shape<4>>;
