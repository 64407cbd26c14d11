// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include <cudnn_graph.h>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::detail {

/// A descriptor of cuDNN's graph API. It stays `good` until cuDNN refuses something, so that a caller checks
/// once, at the end. Move-only.
class cudnn_descriptor {
 public:
  explicit cudnn_descriptor(cudnnBackendDescriptorType_t kind)
      : good_{cudnnBackendCreateDescriptor(kind, &raw_) == CUDNN_STATUS_SUCCESS} {}
  cudnn_descriptor(cudnn_descriptor&& other) noexcept
      : raw_{std::exchange(other.raw_, nullptr)}, good_{std::exchange(other.good_, false)} {}
  cudnn_descriptor& operator=(cudnn_descriptor&& other) noexcept {
    cudnn_descriptor moved{std::move(other)};  // and destroys the old one
    std::swap(raw_, moved.raw_);
    std::swap(good_, moved.good_);
    return *this;
  }
  ~cudnn_descriptor() {
    if (raw_) cudnnBackendDestroyDescriptor(raw_);
  }

  cudnnBackendDescriptor_t raw() const { return raw_; }
  bool good() const { return good_; }

  template <class T>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, const T* values,
           std::int64_t count) {
    good_ = good_ && cudnnBackendSetAttribute(raw_, name, type, count, values) == CUDNN_STATUS_SUCCESS;
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, const T& value) {
    set(name, type, &value, 1);
  }
  void set(cudnnBackendAttributeName_t name, std::initializer_list<std::int64_t> values) {
    set(name, CUDNN_TYPE_INT64, values.begin(), static_cast<std::int64_t>(values.size()));
  }
  void set(cudnnBackendAttributeName_t name, const cudnn_descriptor& other) {
    good_ = good_ && other.good_;
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, other.raw_);
  }

  /// The same for a descriptor that others own.
  void set(cudnnBackendAttributeName_t name, cudnnBackendDescriptor_t other) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, other);
  }

  /// Finalizes the descriptor: no attribute can be set after it.
  void finish() { good_ = good_ && cudnnBackendFinalize(raw_) == CUDNN_STATUS_SUCCESS; }

  /// At most `max_count` values of an attribute.
  template <class T>
  std::vector<T> get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                     std::int64_t max_count) const {
    std::vector<T> values(static_cast<std::size_t>(max_count));
    std::int64_t count = 0;
    if (!good_ ||
        cudnnBackendGetAttribute(raw_, name, type, max_count, &count, values.data()) != CUDNN_STATUS_SUCCESS)
      count = 0;
    values.resize(static_cast<std::size_t>(count < max_count ? count : max_count));
    return values;
  }
  /// Fills `descriptors` with those of an attribute and returns how many there are, at most all.
  std::size_t get(cudnnBackendAttributeName_t name, const std::vector<cudnn_descriptor>& descriptors) const {
    std::vector<cudnnBackendDescriptor_t> handles;
    for (const cudnn_descriptor& each : descriptors) handles.push_back(each.raw_);
    std::int64_t count = 0;
    if (!good_ || cudnnBackendGetAttribute(raw_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                           static_cast<std::int64_t>(handles.size()), &count,
                                           handles.data()) != CUDNN_STATUS_SUCCESS)
      return 0;
    const auto found = static_cast<std::size_t>(count);
    return found < descriptors.size() ? found : descriptors.size();
  }

 private:
  cudnnBackendDescriptor_t raw_ = nullptr;
  bool good_ = false;
};

}  // namespace pretext::inline v0_1::detail
