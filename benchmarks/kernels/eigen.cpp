// Times the plain algebra of the CPU kernels beside the same in Eigen, compiled as this program is (SSE2
// without -march): one thread, calls in turn, the fastest of many.
//   kernels.eigen [calls]
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include <Eigen/Core>

#include <pretext/core/context.hpp>
#include <pretext/edge/eigen.hpp>
#include <pretext/kernels/cpu/batch_norm.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/gelu.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/layer_norm.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/pooling.hpp>
#include <pretext/kernels/cpu/simd/l2_normalize.hpp>

#include "timing.hpp"

using namespace pretext;
using kernels::op;
using kernels::write_mode;

namespace {

using array = Eigen::Array<float, Eigen::Dynamic, 1>;
using rows_of = Eigen::Array<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

int calls = 40;
on<cpu> context;

template <class Ours, class Theirs>
void compare(const char* name, const Ours& ours, const Theirs& theirs) {
  double fastest[2] = {std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  for (int i = 0; i < calls; ++i) {
    fastest[0] = std::min(fastest[0], benchmarks::milliseconds_of(1, [&](int) { ours(); }).front());
    fastest[1] = std::min(fastest[1], benchmarks::milliseconds_of(1, [&](int) { theirs(); }).front());
  }
  std::printf("| %s | %.3f ms | %.3f ms | %.2f |\n", name, fastest[0], fastest[1], fastest[1] / fastest[0]);
  std::fflush(stdout);
}

const float* in(const auto& x) { return x.data(); }

void product(const char* name, op b, Eigen::Index m, Eigen::Index n, Eigen::Index k) {
  const matrix x = matrix::Random(m, k), w = b == op::none ? matrix::Random(k, n) : matrix::Random(n, k);
  matrix y(m, n);
  compare(
      name,
      [&] {
        kernels::gemm<cpu>::run(context, op::none, b, std::size_t(m), std::size_t(n), std::size_t(k), in(x),
                                in(w), y.data(), write_mode::overwrite);
      },
      [&] {
        if (b == op::none)
          y.noalias() = x * w;
        else
          y.noalias() = x * w.transpose();
      });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) calls = std::atoi(argv[1]);
  std::printf("| operation | ours | Eigen | Eigen's time / ours |\n|---|---|---|---|\n");
  product("product, 768 x 768 x 768", op::none, 768, 768, 768);
  product("product, ViT-B fc1 of 2 images", op::transposed, 394, 3072, 768);
  product("product, 1x1 convolution 256 to 64", op::none, 6272, 64, 256);
  product("product of one row, weights not packed", op::transposed, 1, 1000, 512);

  const std::size_t count = 1 << 16, rows = 1024, columns = 192;
  array x = array::Random(count), y = array::Random(count), dy = array::Random(count), z(count);
  const float a = .3f;
  compare(
      "axpy", [&] { kernels::elementwise<cpu>::axpy(context, count, a, in(x), z.data()); },
      [&] { z += a * x; });
  compare(
      "EMA", [&] { kernels::elementwise<cpu>::lerp(context, count, a, in(x), y.data()); },
      [&] { y = a * y + (1 - a) * x; });
  compare(
      "ReLU", [&] { kernels::relu<cpu>::forward(context, count, in(x), z.data()); },
      [&] { z = (x < 0.f).select(0.f, x); });
  compare(
      "ReLU, backward", [&] { kernels::relu<cpu>::backward(context, count, in(x), in(dy), z.data()); },
      [&] { z = (x > 0.f).select(dy, 0.f); });

  const rows_of t = rows_of::Random(rows, columns);
  rows_of u(rows, columns);
  const array gamma = array::Random(columns), beta = array::Random(columns);
  array sums = array::Zero(columns), mean(rows), inverse(rows);
  compare(
      "bias", [&] { kernels::channel_bias<cpu>::add(context, rows, columns, in(beta), u.data()); },
      [&] { u.rowwise() += beta.transpose(); });
  compare(
      "gradient of a bias",
      [&] { kernels::channel_bias<cpu>::sum(context, rows, columns, in(t), sums.data()); },
      [&] { sums += t.colwise().sum().transpose(); });
  compare(
      "layer norm",
      [&] {
        kernels::layer_norm<cpu>::forward(context, rows, columns, in(t), 1e-6f, in(gamma), in(beta), u.data(),
                                          mean.data(), inverse.data());
      },
      [&] {
        for (Eigen::Index r = 0; r < t.rows(); ++r) {
          mean[r] = t.row(r).mean();
          inverse[r] = 1 / std::sqrt((t.row(r) - mean[r]).square().mean() + 1e-6f);
          u.row(r) = (t.row(r) - mean[r]) * inverse[r] * gamma.transpose() + beta.transpose();
        }
      });
  compare(
      "GELU (Eigen: its tanh form)",
      [&] {
        kernels::gelu<cpu>::forward(context, rows, columns, in(t), in(beta), u.data(),
                                    static_cast<float*>(nullptr));
      },
      [&] {
        for (Eigen::Index r = 0; r < t.rows(); ++r) {
          const auto v = t.row(r) + beta.transpose();
          u.row(r) = .5f * v * (1 + (.79788456f * (v + .044715f * v.cube())).tanh());
        }
      });
  compare(
      "L2 normalisation",
      [&] {
        for (std::size_t r = 0; r < rows; ++r)
          kernels::detail::normalise_row(in(t) + r * columns, u.data() + r * columns, columns);
      },
      [&] {
        for (Eigen::Index r = 0; r < t.rows(); ++r) {
          const double squares = std::max(1e-12, t.row(r).cast<double>().square().sum());
          u.row(r) = (t.row(r).cast<double>() * (1 / std::sqrt(squares))).cast<float>();
        }
      });
  compare(
      "average pooling, 16 positions",
      [&] { kernels::average_pool<cpu>::forward(context, rows / 16, 16, columns, in(t), u.data()); },
      [&] {
        for (Eigen::Index n = 0; n < t.rows() / 16; ++n) u.row(n) = t.middleRows(16 * n, 16).colwise().mean();
      });

  array scale = array::Random(columns), shift = array::Random(columns);
  compare(
      "batch norm and ReLU, applied",
      [&] {
        kernels::batch_norm<cpu>::apply(context, rows, columns, 1, in(t), in(scale), in(shift),
                                        static_cast<const float*>(nullptr), true, u.data());
      },
      [&] { u = ((t.rowwise() * scale.transpose()).rowwise() + shift.transpose()).max(0.f); });
  array of_columns(columns), inverse_deviation(columns), norm_scale(columns), norm_shift(columns);
  compare(
      "batch norm, statistics",
      [&] {
        kernels::batch_norm<cpu>::statistics(
            context, rows, columns, 1, in(t), {1e-5f, .1f},
            {of_columns.data(), inverse_deviation.data(), norm_scale.data(), norm_shift.data()});
      },
      [&] {
        of_columns = t.colwise().mean().transpose();
        inverse_deviation =
            ((t.rowwise() - of_columns.transpose()).square().colwise().mean().transpose() + 1e-5f).rsqrt();
      });

  array w = array::Random(count), velocity = array::Random(count), square = array::Random(count).abs();
  const auto update = [&](auto& of) {
    return [&] {
      of = .9f * of + (x + 1e-4f * w);
      w -= 1e-6f * of;
    };
  };
  const auto ours = [&] {
    const kernels::momentum_update<false, float> each{1e-4f, 1, .9f, 1e-6f};
    kernels::vectorised([&] {
      for (std::size_t i = 0; i < count; ++i) each(x.data()[i], velocity.data()[i], w.data()[i]);
    });
  };
  compare("SGD with momentum", ours, update(velocity));
  compare(
      "AdamW",
      [&] {
        constexpr std::size_t run = 512;
        float root[run];
        kernels::vectorised([&] {
          for (std::size_t first = 0; first < count; first += run) {
            float *m = velocity.data() + first, *v = square.data() + first, *to = w.data() + first;
            const float* g = x.data() + first;
            for (std::size_t i = 0; i < run; ++i) {
              m[i] = .9f * m[i] + .1f * g[i];
              root[i] = v[i] = .95f * v[i] + .05f * g[i] * g[i];
            }
            kernels::detail::square_roots(run, root);
            for (std::size_t i = 0; i < run; ++i) to[i] = .9999f * to[i] - 1e-6f * m[i] / (root[i] + 1e-8f);
          }
        });
      },
      [&] {
        velocity = .9f * velocity + .1f * x;
        square = .95f * square + .05f * x.square();
        w = .9999f * w - 1e-6f * velocity / (square.sqrt() + 1e-8f);
      });
}
