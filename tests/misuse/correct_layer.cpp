#include <utility>

#include <pretext/cpu.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/sequential.hpp>
using namespace pretext;
struct identity {
  template <Shape In>
  using output = In;
  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};
  }
  template <Shape In, class Context>
  struct cache {};
  template <class Context, Shape In>
  static void forward(Context&, weights<Context>, reads<Context, In>, writes<Context, In>,
                      cache<In, Context>&) {}
  template <class Context, Shape In>
  static void backward(Context&, weights<Context>, cache<In, Context>&, reads<Context, In>,
                       writes<Context, In>) {}
  template <class Context, Shape In>
  static void infer(Context&, weights<Context>, reads<Context, In>, writes<Context, In>) {}
};
cache_of<sequential<linear<8>, identity>, shape<16>, on<cpu>> cache;
template <std::size_t>
using one = identity;
template <std::size_t... Nth>
auto of(std::index_sequence<Nth...>) -> sequential<linear<4>, one<Nth>...>;
static_assert(weight_count<decltype(of(std::make_index_sequence<99>{})), shape<4>> == 20);
