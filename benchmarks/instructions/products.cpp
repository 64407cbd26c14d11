// products ours|eigen nn|nt|tn M N K REPETITIONS: a product of fp32 matrices by this library or by Eigen; the
// first operand (tn) or the second (nt) is transposed.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <Eigen/Core>

#include <pretext/core/context.hpp>
#include <pretext/kernels/cpu/gemm.hpp>

using namespace pretext;

int main(int count, char** words) {
  if (count != 7) return 1;
  const std::string library = words[1], operands = words[2];
  const auto number = [&](int i) { return static_cast<std::size_t>(std::atoi(words[i])); };
  const std::size_t m = number(3), n = number(4), k = number(5), repetitions = number(6);
  const std::vector<float> a(m * k, 0.5f), b(k * n, 0.25f);
  std::vector<float> c(m * n);
  const auto transposed = [](char letter) {
    return letter == 't' ? kernels::op::transposed : kernels::op::none;
  };
  on<cpu> context;
  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto view = [](const std::vector<float>& values, std::size_t rows, std::size_t columns) {
    return Eigen::Map<const matrix>{values.data(), static_cast<Eigen::Index>(rows),
                                    static_cast<Eigen::Index>(columns)};
  };
  Eigen::Map<matrix> result{c.data(), static_cast<Eigen::Index>(m), static_cast<Eigen::Index>(n)};
  for (std::size_t i = 0; i < repetitions; ++i) {
    if (library == "ours")
      kernels::gemm<cpu>::run(context, transposed(operands[0]), transposed(operands[1]), m, n, k, a.data(),
                              b.data(), c.data(), kernels::write_mode::overwrite);
    else if (operands == "nn")
      result.noalias() = view(a, m, k) * view(b, k, n);
    else if (operands == "nt")
      result.noalias() = view(a, m, k) * view(b, n, k).transpose();
    else
      result.noalias() = view(a, k, m).transpose() * view(b, k, n);
  }
  std::printf("%g\n", static_cast<double>(c.back()));
}
