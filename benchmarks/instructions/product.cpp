// One matrix product on one thread, for count.sh: ours, Eigen's, or none, which shows what the
// rest of the program takes.
//   product ours|eigen|none float|double|bf16 m n k [plain|weights|gradient]
// weights: B is stored transposed, as linear layers store it; gradient: A is, as for a gradient of weights.
#include <cstddef>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <vector>

#include <Eigen/Core>

#include <pretext/core/context.hpp>
#include <pretext/kernels/cpu/gemm.hpp>

using namespace pretext;
using kernels::op;

namespace {

template <class T>
using matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T, class Numerics>
int multiply(const std::string& side, Eigen::Index m, Eigen::Index n, Eigen::Index k,
             const std::string& stored) {
  const op a = stored == "gradient" ? op::transposed : op::none,
           b = stored == "weights" ? op::transposed : op::none;
  const matrix<T> x = a == op::none ? matrix<T>::Constant(m, k, T(.5)) : matrix<T>::Constant(k, m, T(.5));
  const matrix<T> w = b == op::none ? matrix<T>::Constant(k, n, T(.5)) : matrix<T>::Constant(n, k, T(.5));
  matrix<T> y = matrix<T>::Zero(m, n);
  if (side == "ours") {
    on<cpu, Numerics> context;
    kernels::gemm<cpu>::run(context, a, b, std::size_t(m), std::size_t(n), std::size_t(k), x.data(), w.data(),
                            y.data(), kernels::write_mode::overwrite);
  } else if (side == "eigen" && a == op::transposed) {
    y.noalias() = x.transpose() * w;
  } else if (side == "eigen" && b == op::transposed) {
    y.noalias() = x * w.transpose();
  } else if (side == "eigen") {
    y.noalias() = x * w;
  } else {
    return 0;
  }
  return y(m - 1, n - 1) == T(k) / 4 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  const std::string side = argv[1], type = argv[2], stored = argc > 6 ? argv[6] : "";
  const Eigen::Index m = std::atol(argv[3]), n = std::atol(argv[4]), k = std::atol(argv[5]);
  if (type == "double") return multiply<double, fp64>(side, m, n, k, stored);
  if (type == "bf16") return multiply<float, bf16>(side, m, n, k, stored);
  return multiply<float, fp32>(side, m, n, k, stored);
}
