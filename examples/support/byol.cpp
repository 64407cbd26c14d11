#include <pretext/cpu.hpp>

#include "byol_on.hpp"
#include "on_gpu.hpp"

namespace programs {

using namespace pretext;

std::string byol_encoders() { return names_of(resnets); }

std::unique_ptr<any_trainer> make_byol(const recipe& asked, const processor& where) {
  return where.is_gpu() ? make_byol_on_gpu(asked) : make_byol_on<cpu>(asked, cpu::stream{where.threads});
}

}  // namespace programs
