#include <pretext/cpu.hpp>

#include "evaluate_on.hpp"
#include "on_gpu.hpp"
#include "trainers.hpp"

namespace programs {

using namespace pretext;

std::unique_ptr<any_encoder> make_encoder(const recipe& asked, const processor& where) {
  return where.is_gpu() ? make_encoder_on_gpu(asked)
                        : make_encoder_on<cpu>(asked, cpu::stream{where.threads});
}

}  // namespace programs
