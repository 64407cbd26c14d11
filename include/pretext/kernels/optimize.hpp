#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/core/parameter.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext {

/// LARS as published code has it; recipes differ in where the learning rate and the decay enter.
enum class lars_variant {
  simclr,  ///< learning rate inside the momentum, ratio over the decayed gradient
  byol,    ///< learning rate outside the momentum, ratio over the decayed gradient; also MAE's and MoCo v3's
  sum_of_norms,  ///< ratio over ‖g‖ + decay·‖w‖ as in You et al. 2017; solo-learn, lightly
  larc,          ///< sum_of_norms that leaves no parameter out; SwAV, VISSL
};

}  // namespace pretext

namespace pretext::kernels {

/// A run of the flat buffers inside one parameter: what a thread updates at a time.
struct piece {
  std::size_t first = 0;
  std::uint32_t count = 0, row = 0;
  bool decays = true;
  double rate = 1;  ///< multiplies the step's learning rate
};

/// The flat buffers of a table cut into pieces of a fixed length; what is not learned, by its role or because
/// it is frozen (rate 0), is in none of them.
template <class Device>
struct pieces {
  buffer<piece, Device> list;
  std::size_t rows = 0, size = 0;  ///< of the table, and of a flat buffer

  explicit pieces(std::span<const parameter> table) : rows{table.size()} {
    constexpr std::size_t length = std::size_t{1} << 14;
    std::vector<piece> cut;
    for (std::uint32_t row = 0; row < rows; ++row) {
      const parameter& p = table[row];
      size = std::max(size, p.offset + p.size());
      for (std::size_t done = 0; p.kind == role::weight && p.rate != 0 && done < p.size(); done += length)
        cut.push_back({p.offset + done, static_cast<std::uint32_t>(std::min(length, p.size() - done)), row,
                       p.weight_decay == decay::yes, p.rate});
    }
    list = buffer<piece, Device>{cut.size()};
    Device::write(typename Device::stream{}, list.data(), cut.data(), cut.size());
  }
};

/// One step's numbers.
struct sgd_step {
  double learning_rate, momentum, weight_decay;
  bool nesterov, decay_all;
};
struct adamw_step {
  double learning_rate, beta1, beta2, epsilon, weight_decay;
  bool decay_all;
};
struct lars_step {
  double learning_rate, momentum, weight_decay, trust, epsilon;
  lars_variant variant;
  bool nesterov, clip, decay_all;
};

/// One pass over flat buffers each; `g` is the gradient, `w` the values.
///   sgd(place, pieces, sgd_step, const W* g, W* velocity, W* w)
///   adamw(place, pieces, adamw_step, const W* g, W* mean, W* square, std::uint64_t* steps, W* w)   counts
///   steps lars(place, pieces, lars_step, const W* g, W* velocity, W* w)
template <class Device>
struct optimize : missing<Device> {};

}  // namespace pretext::kernels
