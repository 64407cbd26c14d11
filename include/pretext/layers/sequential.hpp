#pragma once
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include <pretext/core/concepts.hpp>
#include <pretext/core/fixed_string.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/layers/detail/gradient_buffers.hpp>

namespace pretext {

/// Gives a layer the name it has in checkpoints; unnamed layers are called by their index.
template <fixed_string Name, class L>
struct named : L {
  static constexpr std::string_view checkpoint_name = Name;
};

namespace detail {

template <class L, std::size_t Nth>
constexpr parameter rename(const parameter& p, std::size_t base) {
  if constexpr (requires { L::checkpoint_name; }) {
    return p.under(L::checkpoint_name, base);
  } else {
    const char digits[] = {char('0' + Nth / 10), char('0' + Nth % 10)};
    return p.under(Nth < 10 ? std::string_view{digits + 1, 1} : std::string_view{digits, 2}, base);
  }
}

/// Follows a sample through the layers: the shape entering each of them, and the one leaving the last.
template <class Entered, class In, class... Ls>
struct walk {
  using inputs = Entered;
  using output = In;
};
template <class... Entered, class In, class L, class... Rest>
struct walk<shapes<Entered...>, In, L, Rest...> {
  static_assert(Accepts<L, In>,
                "pretext::sequential: a layer does not accept the shape that the layer before it produces.");
  static_assert(
      requires { L::template parameters<In>().size(); },
      "pretext::sequential: a layer does not list what it learns; give it "
      "`template <Shape In> static consteval auto parameters()`.");
  using next = walk<shapes<Entered..., In>, output_of<L, In>, Rest...>;
  using inputs = typename next::inputs;
  using output = typename next::output;
};

/// What layer Nth keeps between forward and backward. One leaf per layer: no recursion, no std::tuple, short
/// symbols.
template <std::size_t Nth, class L, class In, class Context>
struct leaf {
  using layer = L;
  using input = In;
  using output = output_of<L, In>;
  static constexpr std::size_t index = Nth;

  cache_of<L, In, Context> cache;
};

template <class... Leaves>
struct leaves : Leaves... {
  template <class F>
  void first_to_last(F f) {
    (f(static_cast<Leaves&>(*this)), ...);
  }
  template <class F>
  void last_to_first(F f) {
    [[maybe_unused]] int order;
    ((f(static_cast<Leaves&>(*this)), order) = ... = 0);  // assignment evaluates its right operand first
  }
};

template <class Context, class Inputs, class Index, class... Ls>
struct remembered;
template <class Context, class... In, std::size_t... Nth, class... Ls>
struct remembered<Context, shapes<In...>, std::index_sequence<Nth...>, Ls...>
    : leaves<leaf<Nth, Ls, In, Context>...> {};

/// The same walk without caches, for inference.
template <class Layer, class In, std::size_t Nth>
struct stop {
  using layer = Layer;
  using input = In;
  using output = output_of<Layer, In>;
  static constexpr std::size_t index = Nth;
};

}  // namespace detail

/// Layers one after another: `sequential<linear<64>, relu, linear<10>>`. Derive a struct from it to give a
/// network a short name.
template <class... Ls>
struct sequential {
  static constexpr std::size_t depth = sizeof...(Ls);

  template <Shape In>
  using inputs = typename detail::walk<detail::shapes<>, In, Ls...>::inputs;

  template <Shape In>
  using output = typename detail::walk<detail::shapes<>, In, Ls...>::output;

  /// Backward may write dx where dy is.
  template <Shape In>
  static constexpr bool in_place = detail::all_in_place<inputs<In>, Ls...>;

  template <Shape In>
  static consteval auto parameters() {
    return join_tables(inputs<In>{}, std::index_sequence_for<Ls...>{});
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return add_multiply_adds(inputs<In>{});
  }

  template <Shape In, class Context>
  struct cache : detail::remembered<Context, inputs<In>, std::index_sequence_for<Ls...>, Ls...> {};

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    const auto* from = x.data;
    cache.first_to_last([&]<class Leaf>(Leaf& at) {
      using L = typename Leaf::layer;
      writes<Context, typename Leaf::output> to{y.data, x.batch};
      if constexpr (Leaf::index + 1 != depth)
        to = context.activations.template allocate<typename Context::activation, typename Leaf::output>(
            x.batch);
      L::forward(context, w, reads<Context, typename Leaf::input>{from, x.batch}, to, at.cache);
      w = w.at(weight_count<L, typename Leaf::input>);
      from = to.data;
    });
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    // Where nobody wants dx, layers that could work in its place have a buffer for it.
    static constexpr detail::gradient_places<depth> wanted = gradients(inputs<In>{}, true),
                                                    unwanted = gradients(inputs<In>{}, false);
    const auto& planned = dx.data ? wanted : unwanted;
    T* const first = context.workspace.template allocate<T>(planned.size[1] * dy.batch);
    const auto below_second = context.workspace.position();
    T* const positions[3] = {dx.data, first,
                             context.workspace.template allocate<T>(planned.size[2] * dy.batch)};
    std::size_t end = weight_count<sequential, In>;
    T* from = nullptr;
    cache.last_to_first([&]<class Leaf>(Leaf& at) {
      using L = typename Leaf::layer;
      end -= weight_count<L, typename Leaf::input>;
      T* to = positions[planned.of[Leaf::index]];
      const writes<Context, typename Leaf::input> result{to, dy.batch};
      if constexpr (Leaf::index + 1 < depth &&
                    detail::spends_gradient<L, typename Leaf::output, typename Leaf::input, Context>)
        L::backward_over(context, w.at(end), at.cache, writes<Context, typename Leaf::output>{from, dy.batch},
                         result);
      else
        L::backward(context, w.at(end), at.cache,
                    reads<Context, typename Leaf::output>{Leaf::index + 1 < depth ? from : dy.data, dy.batch},
                    result);
      from = to;
      if (Leaf::index == planned.last_second) context.workspace.rewind(below_second);
    });
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const std::size_t numbers = depth > 1 ? inputs<In>::largest * x.batch : 0;
    T* const between[2] = {context.workspace.template allocate<T>(numbers),
                           context.workspace.template allocate<T>(numbers)};
    const T* from = x.data;
    each(inputs<In>{}, std::index_sequence_for<Ls...>{}, [&]<class At>(At) {
      using L = typename At::layer;
      T* to = At::index + 1 == depth ? y.data : between[At::index % 2];
      L::infer(context, w, reads<Context, typename At::input>{from, x.batch},
               writes<Context, typename At::output>{to, x.batch});
      w = w.at(weight_count<L, typename At::input>);
      from = to;
    });
  }

 private:
  template <class... In>
  static consteval auto gradients(detail::shapes<In...>, bool wanted) {
    std::array<bool, depth> may{detail::in_place<Ls, In>...};
    if (depth > 0 && !wanted) may[0] = false;
    return detail::gradient_places<depth>{detail::shapes<In...>::sizes, may};
  }

  template <class... In>
  static consteval std::size_t add_multiply_adds(detail::shapes<In...>) {
    return (std::size_t{0} + ... + pretext::macs<Ls, In>);
  }

  template <class... In, std::size_t... Nth, class F>
  static void each(detail::shapes<In...>, std::index_sequence<Nth...>, F f) {
    (f(detail::stop<Ls, In, Nth>{}), ...);
  }

  template <class... In, std::size_t... Nth>
  static consteval auto join_tables(detail::shapes<In...>, std::index_sequence<Nth...>) {
    pretext::parameters<(parameters_of<Ls, In>.size() + ... + 0)> table{};
    std::size_t row = 0, base = 0;
    const auto append = [&]<class L, class Input, std::size_t Index>() {
      for (const parameter& p : parameters_of<L, Input>) table[row++] = detail::rename<L, Index>(p, base);
      base += weight_count<L, Input>;
    };
    (append.template operator()<Ls, In, Nth>(), ...);
    return table;
  }
};

}  // namespace pretext
