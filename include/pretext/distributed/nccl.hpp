// SPDX-License-Identifier: MIT
#pragma once
#include <nccl.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/distributed/detail/device_sum.hpp>
#include <pretext/distributed/detail/waits.hpp>
#include <pretext/distributed/engine.hpp>

// NCCL moves bytes here and adds nothing: ncclAllReduce would add in an order of its own. No call of NCCL or
// CUDA waits without asking for the time, because a rank whose peer hangs would otherwise wait for ever: the
// communicator does not block, and the host asks whether a stream is done.
namespace pretext::inline v0_1::distributed {

static_assert(NCCL_VERSION_CODE >= 21400, "pretext needs NCCL 2.14 or newer, whose calls need not block.");

/// The id with which ranks find each other at an address, "10.0.0.1:29501", on which rank 0 listens. The same
/// on all ranks; must come before any other call of NCCL, and sets the environment variable NCCL_COMM_ID,
/// unless it is set.
inline ncclUniqueId nccl_id_at(const std::string& address) {
  setenv("NCCL_COMM_ID", address.c_str(), 0);
  ncclUniqueId id{};
  if (const ncclResult_t result = ncclGetUniqueId(&id); result != ncclSuccess)
    throw_error<std::runtime_error>("NCCL cannot make an id for ranks that meet at ",
                                    std::getenv("NCCL_COMM_ID"), ": ", ncclGetErrorString(result));
  return id;
}

/// A collective: the same for ranks that another engine connects.
template <Engine E>
ncclUniqueId nccl_id_over(E& connected) {
  std::pair<ncclUniqueId, ncclResult_t> own{};
  own.second = connected.rank() == 0 ? ncclGetUniqueId(&own.first) : ncclSuccess;
  std::vector<std::pair<ncclUniqueId, ncclResult_t>> all(connected.ranks());
  connected.all_gather(&own, all.data(), sizeof own);
  if (all[0].second != ncclSuccess)
    throw_error<std::runtime_error>("NCCL cannot make an id: ", ncclGetErrorString(all[0].second));
  return all[0].first;
}

/// An Engine and a DeviceEngine whose ranks are processes with a GPU each. What is on the host travels
/// through the GPU's memory. It must outlive the steps that were recorded with it. Calls but those of
/// `patience` come from one thread at a time.
class nccl {
 public:
  /// The index of this rank, its GPU (CUDA's `device`), and the name of its host, for messages.
  struct identity {
    std::size_t rank = 0, ranks = 1;
    int device = 0;
    std::string host{};
  };

  /// A collective. Makes the device the calling thread's current one. Throws std::runtime_error if NCCL
  /// refuses, and `lost_rank` if another rank does not come.
  nccl(const ncclUniqueId& id, identity self, std::chrono::milliseconds patience = std::chrono::minutes{10})
      : self_{std::move(self)}, patience_{patience} {
    enter_thread();
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    try {
      check(ncclCommInitRankConfig(&communicator_, static_cast<int>(ranks()), id, static_cast<int>(rank()),
                                   &config),
            "ncclCommInitRankConfig");
    } catch (...) {
      if (communicator_) ncclCommAbort(communicator_);
      throw;
    }
  }
  nccl(const nccl&) = delete;
  nccl& operator=(const nccl&) = delete;
  /// Waits for the other ranks, but not while an exception passes: they may be waiting for this one.
  ~nccl() {
    try {
      if (std::uncaught_exceptions() == passing_) {
        check(ncclCommFinalize(communicator_), "ncclCommFinalize");
        ncclCommDestroy(communicator_);
        return;
      }
    } catch (const std::exception&) {  // the others are lost
    }
    ncclCommAbort(communicator_);
  }

  std::size_t rank() const { return self_.rank; }
  std::size_t ranks() const { return self_.ranks; }
  /// The name of this rank's host.
  const std::string& host() const { return self_.host; }
  /// The version of NCCL: "NCCL 2.28.9".
  static std::string implementation() {
    int version = 0;
    ncclGetVersion(&version);
    return str_cat("NCCL ", version / 10000, ".", version / 100 % 100, ".", version % 100);
  }

  /// How long a collective waits for the other ranks. Any thread may call it.
  std::chrono::milliseconds patience() const { return patience_; }
  /// Changes that, and what the sentence of a `lost_rank` says that this rank was doing: "step 812".
  void set_patience(std::chrono::milliseconds patience, std::string_view doing) {
    patience_ = patience;
    if (doing_ != doing) doing_ = doing;
  }
  /// Makes the rank's device the current one of the calling thread, which CUDA starts with device 0.
  void enter_thread() const {
    pretext::detail::expects_success(cudaSetDevice(self_.device), "choosing a GPU");
  }

  void all_gather(const cuda_gpu::stream& on, const void* own, void* all, std::size_t bytes) {
    if (bytes > 0)
      check(ncclAllGather(own, all, bytes, ncclInt8, communicator_, on.native()), "ncclAllGather");
  }
  void all_to_all(const cuda_gpu::stream& on, const void* parts, void* received, std::size_t bytes) {
    if (bytes == 0) return;
    check(ncclGroupStart(), "ncclGroupStart");
    ncclResult_t result = ncclSuccess;
    for (std::size_t other = 0; other < ranks() && result == ncclSuccess; ++other) {
      const std::size_t at = other * bytes;
      result = ncclSend(static_cast<const std::byte*>(parts) + at, bytes, ncclInt8, static_cast<int>(other),
                        communicator_, on.native());
      if (result == ncclSuccess)
        result = ncclRecv(static_cast<std::byte*>(received) + at, bytes, ncclInt8, static_cast<int>(other),
                          communicator_, on.native());
    }
    const ncclResult_t end = ncclGroupEnd();
    check(result == ncclSuccess ? end : result, "ncclSend");
  }
  /// Waits for the work on the stream.
  void wait(const cuda_gpu::stream& on) {
    const auto is_done = [&] {
      if (on.is_done()) return true;
      ncclResult_t state = ncclSuccess;
      ncclCommGetAsyncError(communicator_, &state);
      if (state != ncclSuccess && state != ncclInProgress) fail(state, "a collective");
      return false;
    };
    detail::wait_patiently(is_done, patience(), rank(), host(), doing_);
  }

  void all_gather(const void* own, void* all, std::size_t bytes) {
    move_from_host(own, bytes, all, ranks() * bytes,
                   [&](const std::byte* from, std::byte* to) { all_gather(stream_, from, to, bytes); });
  }
  void all_to_all(const void* parts, void* received, std::size_t bytes) {
    move_from_host(parts, ranks() * bytes, received, ranks() * bytes,
                   [&](const std::byte* from, std::byte* to) { all_to_all(stream_, from, to, bytes); });
  }

  /// Ends this rank with `status`, and so lets the others fail, by NCCL or by the launcher. The caller has
  /// said why.
  [[noreturn]] void abort(int status) noexcept {
    detail::end_later(status, std::chrono::seconds{5});
    ncclCommAbort(communicator_);
    std::_Exit(status);
  }

 private:
  template <class Collective>
  void move_from_host(const void* from, std::size_t sent, void* to, std::size_t received,
                      const Collective& collective) {
    if (sent == 0) return;
    std::byte* const own = sent_.template of<std::byte>(sent);
    std::byte* const all = received_.template of<std::byte>(received);
    cuda_gpu::write(stream_, own, static_cast<const std::byte*>(from), sent);
    collective(own, all);
    wait(stream_);
    cuda_gpu::read(stream_, static_cast<std::byte*>(to), all, received);
  }

  /// Waits until NCCL has accepted a call.
  void check(ncclResult_t result, const char* call) {
    if (result == ncclInProgress) {
      const auto is_done = [&] {
        const ncclResult_t asked = ncclCommGetAsyncError(communicator_, &result);
        if (asked != ncclSuccess) result = asked;
        return result != ncclInProgress;
      };
      detail::wait_patiently(is_done, patience(), rank(), host(), doing_);
    }
    if (result != ncclSuccess) fail(result, call);
  }

  [[noreturn]] void fail(ncclResult_t result, const char* call) const {
    const std::string_view details = ncclGetLastError(communicator_);
    if (details.find("Duplicate GPU") != std::string_view::npos)
      throw_error<std::runtime_error>("two ranks of host ", host(), " have GPU ", self_.device,
                                      "; start one rank per GPU");
    throw_error<lost_rank>("rank ", rank(), " (", host(), ") cannot go on: ", call,
                           " failed: ", ncclGetErrorString(result), details.empty() ? "" : "; ", details);
  }

  const int passing_ = std::uncaught_exceptions();
  identity self_;
  std::atomic<std::chrono::milliseconds> patience_;
  std::string doing_;
  cuda_gpu::stream stream_;  // of what is on the host
  detail::growing_memory<cuda_gpu> sent_, received_;
  ncclComm_t communicator_ = nullptr;
};

}  // namespace pretext::inline v0_1::distributed
