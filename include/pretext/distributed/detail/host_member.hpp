// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <pretext/devices/cpu.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/distributed/detail/device_sum.hpp>

namespace pretext::inline v0_1::distributed::detail {

/// What a shard that is computed on a device knows of the others on the host: for a few values that the host
/// needs, such as whether to stop.
template <class Shards>
class host_member final : public communicator<cpu> {
 public:
  host_member(Shards& all, std::size_t index) : all_{&all}, index_{index} {}

  std::size_t shard() const override { return all_->first() + index_; }
  std::size_t shards() const override { return all_->size(); }
  void all_gather(const cpu::stream&, const void* own, void* all, std::size_t bytes) override {
    if (all_->meet(index_, {.name = "all_gather of the host", .bytes = bytes, .from = own, .to = all}))
      all_->gather_on_host(bytes);
  }
  void all_reduce(const cpu::stream& on, float* values, std::size_t count) override {
    reduce(on, values, count);
  }
  void all_reduce(const cpu::stream& on, double* values, std::size_t count) override {
    reduce(on, values, count);
  }
  void set_patience(std::int64_t milliseconds, std::string_view doing) override {
    all_->set_patience(index_, std::chrono::milliseconds{milliseconds}, doing);
  }

 private:
  template <class T>
  void reduce(const cpu::stream& on, T* values, std::size_t count) {
    std::vector<T> rows(count * shards());
    all_gather(on, values, rows.data(), count * sizeof(T));
    const add_rows_along_tree<T> add{shards(), count, rows.data()};
    for (std::size_t i = 0; i < count; ++i) add(i);
    std::copy_n(rows.data(), count, values);
  }

  Shards* all_;
  std::size_t index_;
};

}  // namespace pretext::inline v0_1::distributed::detail
