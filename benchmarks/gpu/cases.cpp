// All cases of the GPU benchmark.
#include "timed_work.hpp"

namespace benchmarks {

std::span<const benchmark_case> all_cases() {
  static constexpr benchmark_case all[] = {
      {"simclr-resnet18", 512, simclr_resnet18}, {"simclr-resnet50", 256, simclr_resnet50},
      {"mae-vit-base", 256, mae_vit_base},       {"mae-vit-large", 256, mae_vit_large},
      {"augment-32", 512, augment_32},           {"augment-224", 256, augment_224},
      {"nt-xent-1024", 1024, nt_xent},           {"nt-xent-8192", 8192, nt_xent},
      {"lars-and-average", 1, lars_and_average}, {"attention-50", 256, attention},
  };
  return all;
}

}  // namespace benchmarks
