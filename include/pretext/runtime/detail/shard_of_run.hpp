// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/distributed/engine.hpp>
#include <pretext/distributed/patience.hpp>
#include <pretext/runtime/run_state.hpp>

namespace pretext::inline v0_1::detail {

/// What the run of one shard agrees on with the runs of the others, all of which make the same calls. Clocks,
/// signals and files are the first one's. Without a communicator a run agrees with itself.
class shard_of_run {
 public:
  shard_of_run(distributed::communicator<cpu>* connected, std::chrono::milliseconds least_patience)
      : connected_{connected}, patience_{least_patience}, all_(connected ? connected->shards() : 0) {}

  bool is_alone() const { return !connected_; }
  bool is_first() const { return !connected_ || connected_->shard() == 0; }

  /// Is it true for any shard?
  bool any(bool own) {
    if (is_alone()) return own;
    gather(own);
    return std::find(all_.begin(), all_.end(), 1) != all_.end();
  }
  /// Is it true for the first shard?
  bool of_first(bool own) {
    if (is_alone()) return own;
    gather(own);
    return all_[0] == 1;
  }

  /// The value that the first shard has.
  std::size_t value_of_first(std::size_t own) {
    if (is_alone()) return own;
    std::vector<std::size_t> values(all_.size());
    connected_->all_gather({}, &own, values.data(), sizeof own);
    return values[0];
  }

  /// Adds the bad images of all shards.
  void join(std::map<std::size_t, std::string>& skipped) {
    if (is_alone()) return;
    for (const std::string& each : texts_of_all(lines_of(skipped))) skipped.merge(skipped_of(each));
  }

  /// Calls `work`, which may take long, on every shard. Returns what it throws, or else the failure of the
  /// first other shard where it throws, or null.
  template <class Work>
  std::exception_ptr call_on_all(std::string_view what, const Work& work) {
    expect_unknown_work(what);
    std::exception_ptr failure;
    std::string why;
    try {
      work();
    } catch (const distributed::lost_rank&) { throw; } catch (const std::exception& error) {
      failure = std::current_exception();
      why = error.what();
    } catch (...) {
      failure = std::current_exception();
      why = "an exception of an unknown type";
    }
    if (is_alone()) return failure;
    for (const std::string& each : texts_of_all(why))
      if (!failure && !each.empty()) failure = std::make_exception_ptr(std::runtime_error{each});
    return failure;
  }

  /// The other shards may take long before they make the next call: they evaluate, or the first one saves.
  void expect_unknown_work(std::string_view what) {
    unknown_ = true;
    if (connected_) connected_->set_patience(patience_.of_unknown_work().count(), what);
  }
  void begin_step(std::size_t step) {
    if (is_alone()) return;
    const std::string what = str_cat("step ", step);
    connected_->set_patience((unknown_ ? patience_.of_unknown_work() : patience_.of_step()).count(), what);
  }
  void end_step(std::chrono::steady_clock::duration step) {
    if (!unknown_ || first_step_) patience_.report(step);
    unknown_ = first_step_ = false;
  }

 private:
  void gather(bool own) {
    const unsigned char answer = own;
    connected_->all_gather({}, &answer, all_.data(), 1);
  }

  std::vector<std::string> texts_of_all(const std::string& own) {
    std::vector<std::size_t> lengths(all_.size());
    const std::size_t length = own.size();
    connected_->all_gather({}, &length, lengths.data(), sizeof length);
    const std::size_t most = *std::max_element(lengths.begin(), lengths.end());
    std::vector<std::string> texts(lengths.size());
    if (most == 0) return texts;
    std::string padded = own, received(most * lengths.size(), '\0');
    padded.resize(most);
    connected_->all_gather({}, padded.data(), received.data(), most);
    for (std::size_t shard = 0; shard < lengths.size(); ++shard)
      texts[shard] = received.substr(shard * most, lengths[shard]);
    return texts;
  }

  distributed::communicator<cpu>* connected_;
  distributed::patience patience_;
  std::vector<unsigned char> all_;  // answers
  bool unknown_ = true, first_step_ = true;
};

}  // namespace pretext::inline v0_1::detail
