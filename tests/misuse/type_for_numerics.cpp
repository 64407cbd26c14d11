// expects: pretext: the second argument of on<> is a numerics policy: fp32, tf32, bf16, fp64
#include <pretext/devices/cpu.hpp>
#include <pretext/pretext.hpp>
pretext::on<pretext::cpu, float> context;
