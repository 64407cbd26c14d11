// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <mutex>
#include <utility>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// The newest model, which one thread replaces, after some steps of a training for example, and others use.
/// Any number of threads may call its members at the same time; a model lives as long as one of them holds
/// it.
template <class Model>
class model_slot {
 public:
  /// Replaces the model; those that hold the old one may go on using it.
  void publish(std::shared_ptr<const Model> newest) {
    const std::lock_guard lock{mutex_};
    model_.swap(newest);
  }
  /// The newest model; null before the first one.
  std::shared_ptr<const Model> get() const {
    const std::lock_guard lock{mutex_};
    return model_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Model> model_;
};

}  // namespace pretext::inline v0_1
