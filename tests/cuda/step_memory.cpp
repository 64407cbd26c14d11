// How much memory whole steps take on a GPU at realistic sizes: everything is allocated and nothing is
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

/// A device that allocates memory and ignores kernels. Untouched pages cost no physical memory.
struct null_device {
  static constexpr bool is_accelerator = true, stores_compute_type = true;
  using default_numerics = bf16;
  using loss_value = grid::deferred_loss<null_device>;
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
void launch(const null_device::stream&, std::size_t, const Kernel&) {}

/// The peak of a step's arenas in MiB.
template <class Method, class Numerics>
double step_memory(std::size_t images) {
  using context = on<null_device, Numerics>;
  context at;
  typename Method::template memory<context> memory;
  const std::vector<std::uint64_t> samples(images);
  const tensor<typename context::activation, typename Method::images, null_device> views{Method::views *
                                                                                         images};
  Method{}.learn(at, memory, views.view(), {.keys = {1, 0, samples.data(), images}});
  return double(at.activations.peak() + at.workspace.peak()) / double(1 << 20);
}

template <class Method>
void check_half_memory(const std::string& name, std::size_t images) {
  const double in_bfloat16 = step_memory<Method, bf16>(images), in_float = step_memory<Method, fp32>(images);
  MESSAGE(name, ": ", in_bfloat16, " MiB in bfloat16, ", in_float, " in float");
  CHECK(in_bfloat16 < 0.55 * in_float);
}

}  // namespace

TEST_CASE("at realistic sizes a step in bfloat16 takes at most 55 % of float's memory") {
  check_half_memory<simclr<shape<32, 32, 3>, resnet18<stem::cifar>>>(
      "SimCLR, ResNet-18, 2 x 512 CIFAR images", 512);
  check_half_memory<simclr<shape<224, 224, 3>, resnet50<>>>("SimCLR, ResNet-50, 2 x 256 images", 256);
  check_half_memory<mae<shape<224, 224, 3>, vit_base<16>>>("MAE, ViT-B/16, 256 images", 256);
}
