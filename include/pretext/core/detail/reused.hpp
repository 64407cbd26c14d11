// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <mutex>
#include <utility>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::detail {

/// A T that no other thread has, from those that were given back, or a new one; given back at the end of the
/// scope. Unlike thread_local, it needs no memory to register a destructor, without which a thread ends the
/// program.
template <class T>
class reused {
 public:
  reused() {
    {
      const std::lock_guard lock{unused().mutex};
      own_ = std::move(unused().first);
      if (own_) unused().first = std::move(own_->next);
    }
    if (!own_) own_ = std::make_unique<node>();
  }
  reused(const reused&) = delete;
  reused& operator=(const reused&) = delete;
  ~reused() {
    const std::lock_guard lock{unused().mutex};
    own_->next = std::move(unused().first);
    unused().first = std::move(own_);
  }
  T& operator*() const { return own_->value; }
  T* operator->() const { return &own_->value; }

 private:
  struct node {
    T value{};
    std::unique_ptr<node> next;
  };
  struct list {
    std::mutex mutex;
    std::unique_ptr<node> first;
  };
  static list& unused() {
    static list all;
    return all;
  }

  std::unique_ptr<node> own_;
};

}  // namespace pretext::inline v0_1::detail
