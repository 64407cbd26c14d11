#include <utility>

#include <pretext/core/random.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/devices/cpu.hpp>

// Names that headers of the library give to parameters: -Wshadow is about the consumer's own code.
using other = int;
using place = int;

int main() {
  place blocks = other{0};
  pretext::cpu::stream{}.for_each_block(3, [&](std::size_t) { ++blocks; });
  pretext::buffer<float, pretext::cpu> numbers{6};
  const auto moved = std::move(numbers);
  return blocks == 3 && moved.size() == 6 ? 0 : 1;
}
