// A method that no paper has: MoCo v2's queue, and a hinge that keeps all variables of the queries spread.
#include <cmath>
#include <cstdio>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/methods/moco_v2.hpp>
#include <pretext/training/check_method.hpp>

using namespace pretext;
// [method]
/// Mean over the variables of max(0, floor - deviation), for every device.
struct spread {
  static constexpr bool compares_with_target = false;
  double floor = 0.5;
  friend bool operator==(const spread&, const spread&) = default;

  template <class T>
  struct column {
    std::size_t rows, width;
    double floor, *parts;
    const T* z;
    T* dz;
    PRETEXT_HOST_DEVICE void operator()(std::size_t c, const auto& team) const {
      const auto at = [&](std::size_t i) { return double(z[i * width + c]); };
      const double n = double(rows), mean = team.sum(rows, at) / n;
      const double squares = team.sum(rows, [&](std::size_t i) { return (at(i) - mean) * (at(i) - mean); });
      const double deviation = std::sqrt(squares / n + 1e-4), hinge = floor - deviation;
      const double slope = hinge > 0 ? 1 / (n * deviation * double(width)) : 0;
      team.each(rows, [&](std::size_t i) { dz[i * width + c] -= T(slope * (at(i) - mean)); });
      team.each(1, [&](std::size_t) { parts[c] = hinge > 0 ? hinge / double(width) : 0; });
    }
  };
  template <class Context, Shape P, Shape E>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, P, E>& b) const {
    const arena_scope guard{context.workspace};
    double* const parts = context.workspace.template allocate<double>(P::size);
    const column<typename Context::activation> work{b.p.batch, P::size, floor, parts, b.p.data, b.dp.data};
    kernels::for_each_row<typename Context::device>::run(context, P::size, work);
    return kernels::sum_of_parts<typename Context::device>::run(context, P::size, 1, parts);
  }
};
template <std::size_t Side, std::size_t Width>
using spread_moco = joint_embedding<shape<Side, Side, 3>, encoder<resnet18<stem::cifar, Width>>,
                                    projector<moco_v2_head<32, 16>>, target<ema>, compares<one_way>,
                                    loss<loss_sum<queue_contrast, weighted_loss<spread>>>>;
// [/method]
int main() {
  const auto loss = queue_contrast{.capacity = 64} + 2 * spread{};
  const auto found = check_method(spread_moco<8, 2>{.loss = loss});
  std::printf("gradient of the method  %s\n", found.error < 1e-5 ? "right" : found.text().c_str());
  trainer<spread_moco<32, 4>, on<cpu>, sgd> t{{.loss = loss}, sgd{}};
  loader batches{builtin_source{{.count = 256}}, {.batch = 32}};
  const two_views views{augmentation{random_resized_crop<>{}, horizontal_flip{}}};
  for (int step = 1; step <= 20; ++step) {
    const double value = t.step(views, batches.next(), {.learning_rate = 0.05, .target_momentum = 0.9});
    if (step % 10 == 0) std::printf("step %d  loss %.2f\n", step, value);
  }
}
