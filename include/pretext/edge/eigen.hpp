// SPDX-License-Identifier: MIT
#pragma once
// Eigen's matrices and the library's tensors and images share memory: nothing here copies.
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <Eigen/Core>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/evaluation/features.hpp>

namespace pretext::inline v0_1 {

namespace detail {
template <class T>
using row_major = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// An Eigen expression whose coefficients are in memory: a matrix, map, block or transpose.
template <class M>
concept EigenInMemory = std::derived_from<M, Eigen::DenseBase<M>> && requires(const M& m) {
  { m.derived().data() } -> std::convertible_to<const typename M::Scalar*>;
  m.derived().innerStride();
  m.derived().outerStride();
};
}  // namespace detail

/// A batch on the CPU as an Eigen matrix, a row for each sample: (N, S::size). The memory of the view must
/// outlive it.
template <class T, Shape S>
auto as_eigen(tensor_view<T, S> batch) {
  using matrix = detail::row_major<std::remove_const_t<T>>;
  return Eigen::Map<std::conditional_t<std::is_const_v<T>, const matrix, matrix>>{
      batch.data, static_cast<Eigen::Index>(batch.batch), static_cast<Eigen::Index>(S::size)};
}

/// Features as an Eigen matrix, (count, width). The features of the view must outlive it.
inline Eigen::Map<const detail::row_major<float>> as_eigen(const feature_view& features) {
  return {features.values().data(), static_cast<Eigen::Index>(features.count()),
          static_cast<Eigen::Index>(features.width())};
}

/// What evaluation gives as rows of values, such as probabilities, votes or a confusion matrix, as an Eigen
/// matrix, (values / columns, columns); the vector must outlive it. Throws std::invalid_argument unless the
/// values are whole rows.
template <class T>
Eigen::Map<const detail::row_major<T>> as_eigen(const std::vector<T>& values, std::size_t columns) {
  expects(columns > 0 && values.size() % columns == 0, "an Eigen matrix: ", values.size(),
          " values are no rows of ", columns);
  return {values.data(), static_cast<Eigen::Index>(values.size() / columns),
          static_cast<Eigen::Index>(columns)};
}
template <class T>
void as_eigen(const std::vector<T>&&, std::size_t) = delete;  // the matrix would be gone with the vector

/// Points, such as those of a `plane_projection`, as an Eigen matrix, (count, N); they must outlive it.
template <class T, std::size_t N>
Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, int{N}, Eigen::RowMajor>> as_eigen(
    const std::vector<std::array<T, N>>& points) {
  return {points.empty() ? nullptr : points.front().data(), static_cast<Eigen::Index>(points.size()),
          Eigen::Index{N}};
}
template <class T, std::size_t N>
void as_eigen(const std::vector<std::array<T, N>>&&) = delete;

/// The rows of a matrix as a batch of samples of shape S; the matrix must outlive it. Throws
/// std::invalid_argument unless a row has S::size values and the next one follows it in memory.
template <Shape S, class M>
  requires detail::EigenInMemory<std::remove_const_t<M>>
auto view_of(M& matrix) {
  expects(static_cast<std::size_t>(matrix.cols()) == S::size, "an Eigen matrix has ", matrix.cols(),
          " columns where samples have ", S::size, " values");
  expects(M::IsRowMajor && matrix.innerStride() == 1 &&
              (matrix.rows() < 2 || matrix.outerStride() == matrix.cols()),
          "an Eigen matrix whose rows are not contiguous is no batch; use a matrix with Eigen::RowMajor");
  return tensor_view<std::remove_pointer_t<decltype(matrix.data())>, S>{
      matrix.data(), static_cast<std::size_t>(matrix.rows())};
}

/// A matrix of pixels in either storage order, or a block of one, as a gray image; the matrix must outlive
/// it.
template <class M>
  requires(detail::EigenInMemory<M>&& ImageSample<typename M::Scalar>)
image_view image_view_of(const M& pixels, sample_range range = {}) {
  image_view picture = view_of(pixels.data(), static_cast<std::size_t>(pixels.rows()),
                               static_cast<std::size_t>(pixels.cols()), 1, range);
  const auto size = static_cast<std::ptrdiff_t>(sizeof(typename M::Scalar));
  const std::ptrdiff_t inner = size * pixels.innerStride(), outer = size * pixels.outerStride();
  picture.strides = {M::IsRowMajor ? outer : inner, M::IsRowMajor ? inner : outer, size};
  return picture;
}

}  // namespace pretext::inline v0_1
