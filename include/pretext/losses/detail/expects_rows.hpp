// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/expects.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1::detail {

/// Throws std::invalid_argument unless a batch has the rows of all its views, of at least one image.
template <class Context, Shape Prediction, Shape Embedding>
void expects_rows(const char* loss, const loss_batch<Context, Prediction, Embedding>& batch) {
  expects(batch.images > 0 && batch.p.batch == batch.images * batch.views, loss, ": ", batch.p.batch,
          " rows are not ", batch.views, " views of ", batch.images, " images");
  expects(batch.target.batch >= batch.images * batch.target_views, loss, ": ", batch.target.batch,
          " rows of the target are not ", batch.target_views, " views of ", batch.images, " images");
}

}  // namespace pretext::inline v0_1::detail
