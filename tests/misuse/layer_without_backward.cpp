// expects: pretext::sequential: a layer lacks forward, backward or infer, or takes other arguments
#include <pretext/cpu.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/sequential.hpp>
using namespace pretext;
struct half_a_layer {
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
  static void infer(Context&, weights<Context>, reads<Context, In>, writes<Context, In>) {}
};
cache_of<sequential<linear<8>, half_a_layer>, shape<16>, on<cpu>> misuse;
