// SPDX-License-Identifier: MIT
#pragma once
#include <mpi.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include <pretext/core/expects.hpp>
#include <pretext/distributed/detail/waits.hpp>
#include <pretext/distributed/engine.hpp>

// MPI moves bytes here and adds nothing: MPI_Allreduce would add in an order of its own. All waits ask for
// completion again and again, because a rank whose peer hangs would otherwise wait for ever.
namespace pretext::inline v0_1::distributed {

/// An Engine whose ranks are the processes that `mpirun` or `srun` has started. At most one object at a time;
/// its members but `patience` are called from the thread that created it.
class mpi {
 public:
  /// Initialises MPI unless the program has. Throws std::runtime_error if MPI cannot be initialised.
  explicit mpi(std::chrono::milliseconds patience = std::chrono::minutes{10}) : patience_{patience} {
    int done = 0, provided = 0;
    MPI_Initialized(&done);
    if (!done) check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    initialised_ = !done;
    MPI_Comm_dup(MPI_COMM_WORLD, &world_);
    MPI_Comm_set_errhandler(world_, MPI_ERRORS_RETURN);  // a sentence of ours is better than MPI's
    MPI_Comm_rank(world_, &rank_);
    MPI_Comm_size(world_, &ranks_);
    char text[MPI_MAX_PROCESSOR_NAME > MPI_MAX_LIBRARY_VERSION_STRING ? MPI_MAX_PROCESSOR_NAME
                                                                      : MPI_MAX_LIBRARY_VERSION_STRING]{};
    int length = 0;
    MPI_Get_processor_name(text, &length);
    host_.assign(text, static_cast<std::size_t>(length));
    MPI_Get_library_version(text, &length);
    implementation_.assign(text, static_cast<std::size_t>(length));
    implementation_ = implementation_.substr(0, implementation_.find_first_of(",\n"));
  }
  mpi(const mpi&) = delete;
  mpi& operator=(const mpi&) = delete;
  /// Finalises MPI if the constructor initialised it, but not while an exception passes: MPI_Finalize waits
  /// for the other ranks, which may be waiting for this one. Such a program ends with `abort`.
  ~mpi() {
    if (std::uncaught_exceptions() > passing_) return;
    MPI_Comm_free(&world_);
    if (initialised_) MPI_Finalize();
  }

  std::size_t rank() const { return static_cast<std::size_t>(rank_); }
  std::size_t ranks() const { return static_cast<std::size_t>(ranks_); }
  /// The name of this rank's host.
  const std::string& host() const { return host_; }
  /// The name and version of the MPI implementation: "Open MPI v4.1.4".
  const std::string& implementation() const { return implementation_; }

  /// How long a collective waits for the other ranks. Any thread may call it.
  std::chrono::milliseconds patience() const { return patience_; }
  /// Changes that, and what the sentence of a `lost_rank` says that this rank was doing: "step 812".
  void set_patience(std::chrono::milliseconds patience, std::string_view doing) {
    patience_ = patience;
    if (doing_ != doing) doing_ = doing;
  }

  void all_gather(const void* own, void* all, std::size_t bytes) {
    const int count = count_of(bytes);
    MPI_Request request;
    check(MPI_Iallgather(own, count, MPI_BYTE, all, count, MPI_BYTE, world_, &request), "MPI_Iallgather");
    wait(request, "MPI_Iallgather");
  }
  void all_to_all(const void* parts, void* received, std::size_t bytes) {
    const int count = count_of(bytes);
    MPI_Request request;
    check(MPI_Ialltoall(parts, count, MPI_BYTE, received, count, MPI_BYTE, world_, &request),
          "MPI_Ialltoall");
    wait(request, "MPI_Ialltoall");
  }

  /// Ends all ranks, this one with `status`: by MPI_Abort, and where that hangs, because a host is cut off,
  /// this process alone 5 s later. The caller has said why.
  [[noreturn]] void abort(int status) noexcept {
    detail::end_later(status, std::chrono::seconds{5});
    MPI_Abort(world_, status);
    std::_Exit(status);
  }

 private:
  static int count_of(std::size_t bytes) {
    expects(bytes <= INT_MAX, "mpi: ", bytes, " bytes of a rank are more than MPI moves in a call, ",
            INT_MAX);
    return static_cast<int>(bytes);
  }

  void check(int status, const char* call) const {
    if (status == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING]{};
    int length = 0;
    MPI_Error_string(status, text, &length);
    throw_error<lost_rank>("rank ", rank_, " (", host_, ") cannot go on: ", call, " failed: ", text);
  }

  void wait(MPI_Request& request, const char* call) const {
    const auto is_done = [&] {
      int done = 0;
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), call);
      return done != 0;
    };
    detail::wait_patiently(is_done, patience(), rank(), host_, doing_);
  }

  const int passing_ = std::uncaught_exceptions();
  std::atomic<std::chrono::milliseconds> patience_;
  std::string doing_, host_, implementation_;
  MPI_Comm world_ = MPI_COMM_NULL;
  int rank_ = 0, ranks_ = 1;
  bool initialised_ = false;
};

}  // namespace pretext::inline v0_1::distributed
