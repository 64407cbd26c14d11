// expects: pretext: this device sets is_accelerator, but lacks members that kernels for accelerators need
#include <pretext/devices/cpu.hpp>
#include <pretext/pretext.hpp>
struct accelerator : pretext::cpu {
  static constexpr bool is_accelerator = true;
};
pretext::on<accelerator> context;
