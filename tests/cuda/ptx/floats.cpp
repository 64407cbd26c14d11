#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "actions.hpp"
#include "lanewise.hpp"

namespace pretext::tests::ptx {
namespace {

/// Off by as much as the instruction's specification allows, so that code which relies on more precision
/// fails.
template <class T>
T approximate(T value) {
  if (!std::isfinite(value) || value == 0) return value;
  const T there = std::numeric_limits<T>::infinity();
  return std::nextafter(std::nextafter(value, there), there);
}
/// rcp.approx.ftz.f64 uses only the upper half of its argument and result.
double upper_half(double value) {
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) & 0xFFFFFFFF00000000u);
}

template <int mode>
constexpr auto rounded = []<class T>(T a, T b, T c) { return std::fma(a, b, c); };
/// a·b + c in another rounding mode.
template <int mode, action fused>
void in_mode(warp& w, const instruction& i) {
  std::fesetround(mode);
  fused(w, i);
  std::fesetround(FE_TONEAREST);
}
template <int mode>
action fused_in_mode(std::string_view type) {
  return for_float_type(type, []<class T>() -> action { return in_mode<mode, lanewise<T, rounded<mode>>>; });
}

}  // namespace

action floats(const name_parts& parts) {
  const std::string_view name = parts[0], type = parts.back();
  const std::string_view how = parts.size() > 2 ? parts[1] : "";
  if (type != "f32" && type != "f64") return nullptr;
  if (how == "approx") {
    const auto half = [](double a) { return upper_half(1 / upper_half(a)); };
    if (name == "rcp" && type == "f64") return lanewise<double, half>;
    if (type != "f32") return nullptr;
    if (name == "ex2") return lanewise<float, [](float a) { return approximate(std::exp2(a)); }>;
    if (name == "lg2") return lanewise<float, [](float a) { return approximate(std::log2(a)); }>;
    if (name == "rcp") return lanewise<float, [](float a) { return approximate(1 / a); }>;
    if (name == "div") return lanewise<float, [](float a, float b) { return approximate(a / b); }>;
    if (name == "sqrt") return lanewise<float, [](float a) { return approximate(std::sqrt(a)); }>;
    if (name == "rsqrt") return lanewise<float, [](float a) { return approximate(1 / std::sqrt(a)); }>;
    return nullptr;
  }
  if (name == "fma" && how == "rm") return fused_in_mode<FE_DOWNWARD>(type);
  if (name == "fma" && how == "rp") return fused_in_mode<FE_UPWARD>(type);
  if (name == "fma" && how == "rz") return fused_in_mode<FE_TOWARDZERO>(type);
  if (how != "" && how != "rn") return nullptr;
  if (name == "fma") return on_floats<rounded<FE_TONEAREST>>(type);
  if (name == "add") return on_floats<[]<class T>(T a, T b) { return a + b; }>(type);
  if (name == "sub") return on_floats<[]<class T>(T a, T b) { return a - b; }>(type);
  if (name == "mul") return on_floats<[]<class T>(T a, T b) { return a * b; }>(type);
  if (name == "div") return on_floats<[]<class T>(T a, T b) { return a / b; }>(type);
  if (name == "rcp") return on_floats<[]<class T>(T a) { return 1 / a; }>(type);
  if (name == "sqrt") return on_floats<[]<class T>(T a) { return std::sqrt(a); }>(type);
  if (name == "neg") return on_floats<[]<class T>(T a) { return -a; }>(type);
  if (name == "abs") return on_floats<[]<class T>(T a) { return std::fabs(a); }>(type);
  // min and max return the operand that is not NaN.
  if (name == "min") return on_floats<[]<class T>(T a, T b) { return std::fmin(a, b); }>(type);
  if (name == "max") return on_floats<[]<class T>(T a, T b) { return std::fmax(a, b); }>(type);
  if (name == "copysign") return on_floats<[]<class T>(T sign, T a) { return std::copysign(a, sign); }>(type);
  return nullptr;
}

}  // namespace pretext::tests::ptx
