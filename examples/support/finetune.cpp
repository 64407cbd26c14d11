#include <pretext/cpu.hpp>

#include "finetune_on.hpp"
#include "on_gpu.hpp"

namespace programs {

using namespace pretext;

std::string finetune_encoders() { return names_of(tuned_encoders); }

std::unique_ptr<any_classifier> make_classifier(const recipe& asked, std::size_t classes,
                                                const processor& where) {
  return where.is_gpu() ? make_classifier_on_gpu(asked, classes)
                        : make_classifier_on<cpu>(asked, classes, cpu::stream{where.threads});
}

}  // namespace programs
