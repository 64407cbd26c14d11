#include <pretext/core/random.hpp>
#include <pretext/devices/cpu.hpp>

int main() {
  int blocks = 0;
  pretext::cpu::stream{}.for_each_block(3, [&](std::size_t) { ++blocks; });
  return blocks == 3 ? 0 : 1;
}
