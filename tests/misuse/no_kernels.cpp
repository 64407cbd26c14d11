// expects: For pretext::cpu include <pretext/cpu.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/layers/linear.hpp>
using namespace pretext;
using context = on<cpu>;
void misuse(context& here, weights<context> w, reads<context, shape<16>> x, writes<context, shape<8>> y) {
  linear<8>::infer(here, w, x, y);
}
