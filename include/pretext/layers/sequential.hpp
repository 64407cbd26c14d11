// SPDX-License-Identifier: MIT
#pragma once
// A network is a list of types, so that the compiler knows every shape and inlines every call. The lists are
// expanded with fold expressions over one base class per layer, not by recursion and not with std::tuple:
// symbols stay short and a ResNet compiles in seconds.
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include <pretext/core/concepts.hpp>
#include <pretext/core/fixed_string.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/core/step_rates.hpp>
#include <pretext/layers/begin_step.hpp>
#include <pretext/layers/detail/gradient_buffers.hpp>

namespace pretext::inline v0_1 {

/// Gives a layer the name it has in checkpoints; unnamed layers are called by their index.
template <fixed_string Name, class L>
struct named : L {
  static constexpr std::string_view checkpoint_name = Name;
};

/// Declares the depth of a layer within its encoder, which layer-wise learning rate decay counts; what an
/// encoder leaves undeclared comes after its deepest layer.
template <int Depth, class L>
struct at_depth : L {
  template <class In>
  static consteval auto parameters() {
    return with_depth(Depth, L::template parameters<In>());
  }
};

/// Puts the parameters of a layer into a group, for which a step may have another learning rate or none
/// (`step_values::groups`): prototypes, a predictor, a last layer. What declares no group is in group 0.
template <unsigned Group, class L>
struct in_group : L {
  static_assert(Group < step_rates::groups, "pretext::in_group: groups are numbered from 0 to 3.");
  template <class In>
  static consteval auto parameters() {
    return with_group(Group, L::template parameters<In>());
  }
};

/// A layer whose parameters have no weight decay.
template <class L>
struct without_decay : L {
  template <class In>
  static consteval auto parameters() {
    auto table = L::template parameters<In>();
    for (auto& entry : table) entry.weight_decay = parameter_decay::no;
    return table;
  }
};

namespace detail {

/// A parameter of layer Nth of a network, whose slice begins at `base`.
template <class L, std::size_t Nth>
constexpr parameter rename(const parameter& p, std::size_t base) {
  if constexpr (requires { L::checkpoint_name; })
    return p.under(L::checkpoint_name, base);
  else
    return p.under(Nth, base);
}

/// The shape that enters each layer, and the one that leaves the last.
template <class Entered, class In, class... Ls>
struct shape_chain {
  using inputs = Entered;
  using output = In;
};
template <class... Entered, class In, class L, class... Rest>
struct shape_chain<shapes<Entered...>, In, L, Rest...> {
  static_assert(Accepts<L, In>,
                "pretext::sequential: a layer does not accept the shape that the layer before it produces.");
  static_assert(!Accepts<L, In> || LayerSpec<L, In>,
                "pretext::sequential: a layer does not list what it learns; give it "
                "`template <Shape In> static consteval auto parameters()`.");
  using next = shape_chain<shapes<Entered..., In>, output_of<L, In>, Rest...>;
  using inputs = typename next::inputs;
  using output = typename next::output;
};

/// One layer of a network with its position and shapes: what `infer` iterates over.
template <class L, class In, std::size_t Nth>
struct layer_step {
  using layer = L;
  using input = In;
  using output = output_of<L, In>;
  static constexpr std::size_t index = Nth;
};

/// The same with the layer's cache: what `forward` and `backward` iterate over.
template <std::size_t Nth, class L, class In, class Context>
struct layer_slot : layer_step<L, In, Nth> {
  static_assert(
      Layer<L, In, Context>,
      "pretext::sequential: a layer lacks forward, backward or infer, or takes other arguments; the "
      "concept Layer lists them.");
  cache_of<L, In, Context> cache;
};

template <class... Slots>
struct layer_slots : Slots... {
  template <class F>
  void first_to_last(F f) {
    (f(static_cast<Slots&>(*this)), ...);
  }
  template <class F>
  void last_to_first(F f) {
    [[maybe_unused]] int order;
    ((f(static_cast<Slots&>(*this)), order) = ... = 0);  // assignment evaluates its right operand first
  }
};

template <class Context, class Inputs, class Index, class... Ls>
struct cache_pack;
template <class Context, class... In, std::size_t... Nth, class... Ls>
struct cache_pack<Context, shapes<In...>, std::index_sequence<Nth...>, Ls...>
    : layer_slots<layer_slot<Nth, Ls, In, Context>...> {};

}  // namespace detail

/// Layers one after another: `sequential<linear<64>, relu, linear<10>>`. Derive a struct from it to give a
/// network a short name.
template <class... Ls>
struct sequential {
  static constexpr std::size_t depth = sizeof...(Ls);
  static_assert(
      depth <= 100,
      "pretext::sequential: it has at most 100 layers, because unnamed layers are called 0 to 99 in "
      "checkpoints; put some of them into a sequential of their own.");

  template <Shape In>
  using inputs = typename detail::shape_chain<detail::shapes<>, In, Ls...>::inputs;

  template <Shape In>
  using output = typename detail::shape_chain<detail::shapes<>, In, Ls...>::output;

  template <Shape In>
  static constexpr bool dx_may_alias_dy = detail::all_dx_may_alias_dy<inputs<In>, Ls...>;

  template <Shape In>
  static consteval auto parameters() {
    return join_tables(inputs<In>{}, std::index_sequence_for<Ls...>{});
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return sum_macs(inputs<In>{});
  }

  template <Shape In, class Context>
  struct cache : detail::cache_pack<Context, inputs<In>, std::index_sequence_for<Ls...>, Ls...> {};

  template <Shape In, class Context>
  static void begin_step(Context& context, typename Context::weight* value) {
    for_each_step(inputs<In>{}, std::index_sequence_for<Ls...>{}, [&]<class Step>(Step) {
      pretext::begin_step<typename Step::layer, typename Step::input>(context, value);
      value += weight_count<typename Step::layer, typename Step::input>;
    });
  }

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    const auto* from = x.data;
    cache.first_to_last([&]<class Slot>(Slot& slot) {
      using L = typename Slot::layer;
      writes<Context, typename Slot::output> to{y.data, x.batch};
      if constexpr (Slot::index + 1 != depth)
        to = context.activations.template allocate<typename Context::activation, typename Slot::output>(
            x.batch);
      L::forward(context, w, reads<Context, typename Slot::input>{from, x.batch}, to, slot.cache);
      w = w.at(weight_count<L, typename Slot::input>);
      from = to.data;
    });
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    // Without dx there is no memory of the caller's that the first layers could share.
    static constexpr detail::gradient_buffer_plan<depth> with_dx = plan_gradients(inputs<In>{}, true),
                                                         without_dx = plan_gradients(inputs<In>{}, false);
    const auto& plan = dx.data ? with_dx : without_dx;
    T* const first = context.workspace.template allocate<T>(plan.size[1] * dy.batch);
    const auto below_second = context.workspace.position();
    T* const buffers[3] = {dx.data, first, context.workspace.template allocate<T>(plan.size[2] * dy.batch)};
    std::size_t end = weight_count<sequential, In>;
    T* from = nullptr;
    cache.last_to_first([&]<class Slot>(Slot& slot) {
      using L = typename Slot::layer;
      using layer_dx = writes<Context, typename Slot::input>;
      end -= weight_count<L, typename Slot::input>;
      T* to = buffers[plan.of[Slot::index]];
      if constexpr (Slot::index + 1 < depth &&
                    detail::HasBackwardInplace<L, typename Slot::output, typename Slot::input, Context>)
        L::backward_inplace(context, w.at(end), slot.cache,
                            writes<Context, typename Slot::output>{from, dy.batch}, layer_dx{to, dy.batch});
      else
        L::backward(context, w.at(end), slot.cache,
                    reads<Context, typename Slot::output>{Slot::index + 1 < depth ? from : dy.data, dy.batch},
                    layer_dx{to, dy.batch});
      from = to;
      if (Slot::index == plan.last_second) context.workspace.rewind(below_second);
    });
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const std::size_t elements = depth > 1 ? inputs<In>::largest * x.batch : 0;
    T* const buffers[2] = {context.workspace.template allocate<T>(elements),
                           context.workspace.template allocate<T>(elements)};
    const T* from = x.data;
    for_each_step(inputs<In>{}, std::index_sequence_for<Ls...>{}, [&]<class Step>(Step) {
      using L = typename Step::layer;
      T* to = Step::index + 1 == depth ? y.data : buffers[Step::index % 2];
      L::infer(context, w, reads<Context, typename Step::input>{from, x.batch},
               writes<Context, typename Step::output>{to, x.batch});
      w = w.at(weight_count<L, typename Step::input>);
      from = to;
    });
  }

 private:
  template <class... In>
  static consteval auto plan_gradients(detail::shapes<In...>, bool has_dx) {
    std::array<bool, depth> may_overwrite{detail::dx_may_alias_dy<Ls, In>...};
    if (depth > 0 && !has_dx) may_overwrite[0] = false;
    return detail::gradient_buffer_plan<depth>{detail::shapes<In...>::sizes, may_overwrite};
  }

  template <class... In>
  static consteval std::size_t sum_macs(detail::shapes<In...>) {
    return (std::size_t{0} + ... + pretext::macs<Ls, In>);
  }

  template <class... In, std::size_t... Nth, class F>
  static void for_each_step(detail::shapes<In...>, std::index_sequence<Nth...>, F f) {
    (f(detail::layer_step<Ls, In, Nth>{}), ...);
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

}  // namespace pretext::inline v0_1
