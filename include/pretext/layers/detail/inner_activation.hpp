// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>

namespace pretext::inline v0_1::detail {

/// An activation between two layers of a block: forward stores it, or backward recomputes it, as
/// `context.recomputes_activations` says. A member of the block's cache.
template <Shape S, class Context>
class inner_activation {
 public:
  /// Memory for the activation: from the workspace, or if it is stored from `context.activations`.
  writes<Context, S> allocate(Context& context, std::size_t batch) {
    stored_ = {};
    if (context.recomputes_activations) return allocate_in(context.workspace, batch);
    return stored_ = allocate_in(context.activations, batch);
  }

  /// The activation, whose memory backward may overwrite. `recompute(y)` writes it if it is not stored.
  template <class Recompute>
  writes<Context, S> get(Context& context, std::size_t batch, const Recompute& recompute) const {
    if (stored_.data) return stored_;
    const writes<Context, S> y = allocate_in(context.workspace, batch);
    recompute(y);
    return y;
  }

 private:
  template <class Arena>
  static writes<Context, S> allocate_in(Arena& arena, std::size_t batch) {
    return arena.template allocate<typename Context::activation, S>(batch);
  }
  writes<Context, S> stored_{};
};

}  // namespace pretext::inline v0_1::detail
