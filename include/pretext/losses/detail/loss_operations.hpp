// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/core/context.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/gemm.hpp>

namespace pretext::inline v0_1::detail {

/// What losses are composed of: temporary memory, which is freed with this object, work on rows, products of
/// matrices, and the sum of the parts of a loss.
template <class Context>
class loss_operations {
 public:
  using T = typename Context::activation;
  using W = typename Context::weight;
  using device = typename Context::device;
  using op = kernels::op;

  explicit loss_operations(Context& context) : context_{context}, scope_{context.workspace} {}

  Context& context() const { return context_; }

  /// Temporary memory, not cleared.
  template <class Number>
  Number* allocate(std::size_t count) const {
    return context_.workspace.template allocate<Number>(count);
  }
  T* activations(std::size_t count) const { return allocate<T>(count); }
  W* weights(std::size_t count) const { return allocate<W>(count); }
  double* doubles(std::size_t count) const { return allocate<double>(count); }

  template <class Work>
  void for_each_row(std::size_t rows, const Work& work) const {
    kernels::for_each_row<device>::run(context_, rows, work);
  }
  /// C (m, n) = op(a)·op(b), summed over k; C is of type T or W.
  template <class Number>
  void product(op of_a, op of_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b,
               Number* c, kernels::write_mode mode = kernels::write_mode::overwrite) const {
    kernels::gemm<device>::run(context_, of_a, of_b, m, n, k, a, b, c, mode);
  }
  typename Context::loss_value sum(std::size_t count, const double* parts, double factor = 1) const {
    return kernels::sum_of_parts<device>::run(context_, count, factor, parts);
  }

 private:
  Context& context_;
  arena_scope<device> scope_;
};

}  // namespace pretext::inline v0_1::detail
