#include <pretext/cpu.hpp>

#include "mae_on.hpp"
#include "on_gpu.hpp"

namespace programs {

using namespace pretext;

std::string mae_encoders() { return names_of(vits<>); }

std::unique_ptr<any_trainer> make_mae(const recipe& asked, const processor& where) {
  return where.is_gpu() ? make_mae_on_gpu(asked) : make_mae_on<cpu>(asked, cpu::stream{where.threads});
}

}  // namespace programs
