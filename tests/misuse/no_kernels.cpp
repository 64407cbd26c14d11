// expects: For pretext::cpu include <pretext/cpu.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/layers/linear.hpp>
using namespace pretext;
using place = on<cpu>;
void misuse(place& here, weights<place> w, reads<place, shape<16>> x, writes<place, shape<8>> y) {
  linear<8>::infer(here, w, x, y);
}
