// expects: pretext::trainer: its first argument must be a Method such as simclr<...>
#include <pretext/cpu.hpp>
using namespace pretext;
struct a_method {
  using images = shape<32, 32, 3>;
  using feature = shape<8>;
};
void misuse(trainer<a_method, on<cpu>, sgd>& learner) { learner.wait_loss(); }
