// How much memory whole steps take on a GPU, at the sizes that people train: everything is asked for, nothing
// computed.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include <pretext/devices/grid/deferred_loss.hpp>
#include <pretext/kernels/gpu/operations.hpp>
#include <pretext/pretext.hpp>

using namespace pretext;

namespace {

/// A GPU that takes memory and orders, and rests. Pages that nobody touches cost nothing.
struct idle {
  static constexpr bool is_accelerator = true, stores_compute_type = true;
  using default_numerics = bf16;
  using loss_value = grid::deferred_loss<idle>;
  struct stream {
    double* wait_loss() const { return nullptr; }
    double take_loss() const { return 0; }
    std::size_t most_shared_memory() const { return 227 << 10; }
  };

  template <class T>
  static T* allocate(std::size_t count) {
    return static_cast<T*>(std::calloc(count, sizeof(T)));
  }
  template <class T>
  static T* allocate_undefined(std::size_t count) {
    return allocate<T>(count);
  }
  template <class T>
  static void release(T* data) {
    std::free(data);
  }
  static std::size_t free_memory() { return std::size_t{64} << 30; }
  template <class T>
  static void write(const stream&, T*, const T*, std::size_t) {}
  template <class T>
  static void read(const stream&, T*, const T*, std::size_t) {}
  template <class T>
  static void clear(const stream&, T*, std::size_t) {}
};

template <class Kernel>
void launch(const idle::stream&, std::size_t, const Kernel&) {}

/// Mebibytes of a step's arenas.
template <class Method, class Numerics>
double step_memory(std::size_t images) {
  using context = on<idle, Numerics>;
  context at;
  typename Method::template memory<context> memory;
  const std::vector<std::uint64_t> samples(images);
  const tensor<typename context::activation, typename Method::images, idle> views{Method::views * images};
  Method{}.learn(at, memory, views.view(), {.keys = {1, 0, samples.data(), images}});
  return double(at.activations.peak() + at.workspace.peak()) / double(1 << 20);
}

template <class Method>
void halves(const std::string& name, std::size_t images) {
  const double rounded = step_memory<Method, bf16>(images), exact = step_memory<Method, fp32>(images);
  MESSAGE(name, ": ", rounded, " MiB in bfloat16, ", exact, " in float");
  CHECK(rounded < 0.55 * exact);
}

}  // namespace

TEST_CASE("at the sizes that people train, a step in bfloat16 takes half the memory of float") {
  halves<simclr<shape<32, 32, 3>, resnet18<stem::cifar>>>("SimCLR, ResNet-18, 2 x 512 CIFAR images", 512);
  halves<simclr<shape<224, 224, 3>, resnet50<>>>("SimCLR, ResNet-50, 2 x 256 images", 256);
  halves<mae<shape<224, 224, 3>, vit_base<16>>>("MAE, ViT-B/16, 256 images", 256);
}
