#include <pretext/cpu.hpp>

#include "on_gpu.hpp"
#include "simclr_on.hpp"

namespace programs {

using namespace pretext;

std::string simclr_encoders() { return names_of(resnets); }

std::unique_ptr<any_trainer> make_simclr(const recipe& asked, const processor& where) {
  return where.is_gpu() ? make_simclr_on_gpu(asked) : make_simclr_on<cpu>(asked, cpu::stream{where.threads});
}

}  // namespace programs
