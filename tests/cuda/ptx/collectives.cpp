// A mock of NCCL for programs on the mock GPU: the ranks are the processes that mpirun has started, and MPI
// moves the bytes when the stream comes to a collective. As a communicator that does not block it accepts a
// call only when it is asked again. PRETEXT_MOCK_NCCL=duplicate: it refuses two ranks on one GPU; lost:
// another rank has failed.
#include <mpi.h>
#include <nccl.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "cuda/mock_library.hpp"
#include "runtime.hpp"

using namespace pretext::tests;

struct ncclComm {
  MPI_Comm ranks = MPI_COMM_NULL;
  ncclResult_t state = ncclSuccess;
  bool is_settled = true;
  std::string error;
};

namespace {

/// A part of a group: what goes to a peer, or comes from it.
struct transfer {
  const void* from = nullptr;
  void* to = nullptr;
  std::size_t bytes = 0;
  int peer = 0;
};
std::vector<transfer> group;
ncclComm_t group_on = nullptr;
cudaStream_t group_stream = nullptr;
bool is_open = false;

/// torchrun's programs do not initialise MPI.
void initialise_mpi() {
  int done = 0;
  MPI_Initialized(&done);
  if (done) return;
  MPI_Init(nullptr, nullptr);
  std::atexit([] { MPI_Finalize(); });
}

/// The next question is answered with "not yet", the one after it with the result.
ncclResult_t settle_later(ncclComm_t comm, ncclResult_t result) {
  comm->state = result;
  comm->is_settled = false;
  return ncclInProgress;
}

/// Sends and receives in the order in which each was called.
void move(MPI_Comm ranks, const std::vector<transfer>& all) {
  std::vector<MPI_Request> requests;
  for (const transfer& each : all) {
    MPI_Request& request = requests.emplace_back();
    const int bytes = static_cast<int>(each.bytes);
    if (each.from)
      MPI_Isend(library_input(each.from, each.bytes), bytes, MPI_BYTE, each.peer, 0, ranks, &request);
    else
      MPI_Irecv(library_output(each.to, each.bytes), bytes, MPI_BYTE, each.peer, 0, ranks, &request);
  }
  MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
}

ncclResult_t transfer_in_group(const transfer& part, ncclComm_t comm, cudaStream_t on) {
  if (!is_open || (group_on && (group_on != comm || group_stream != on))) return ncclInvalidUsage;
  group_on = comm;
  group_stream = on;
  group.push_back(part);
  return ncclSuccess;
}

}  // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) { return *version = NCCL_VERSION_CODE, ncclSuccess; }
const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclInvalidUsage  ? "invalid usage"
         : result == ncclRemoteError ? "remote process exited or there was a network error"
                                     : "no error";
}
const char* ncclGetLastError(ncclComm_t comm) { return comm ? comm->error.c_str() : ""; }

/// With NCCL_COMM_ID the same on all ranks, else another one on each.
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  int rank = 0;
  initialise_mpi();
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const char* const address = std::getenv("NCCL_COMM_ID");
  const std::string text = address ? address : "rank " + std::to_string(rank);
  *id = {};
  std::strncpy(id->internal, text.c_str(), sizeof id->internal - 1);
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  if (config->blocking != 0) return ncclInvalidArgument;
  *comm = new ncclComm;
  if (ranks == 1) {
    MPI_Comm_dup(MPI_COMM_SELF, &(*comm)->ranks);
    return settle_later(*comm, ncclSuccess);
  }
  MPI_Comm_dup(MPI_COMM_WORLD, &(*comm)->ranks);
  int own = 0, size = 0;
  MPI_Comm_rank((*comm)->ranks, &own);
  MPI_Comm_size((*comm)->ranks, &size);
  std::vector<ncclUniqueId> all(static_cast<std::size_t>(size));
  MPI_Allgather(&id, sizeof id, MPI_BYTE, all.data(), sizeof id, MPI_BYTE, (*comm)->ranks);
  for (const ncclUniqueId& each : all)
    if (std::memcmp(&each, &id, sizeof id) != 0) return settle_later(*comm, ncclInvalidArgument);
  if (own != rank || size != ranks) return settle_later(*comm, ncclInvalidArgument);
  const char* const mode = std::getenv("PRETEXT_MOCK_NCCL");
  if (!mode || std::strcmp(mode, "duplicate") != 0) return settle_later(*comm, ncclSuccess);
  (*comm)->error = "Duplicate GPU detected : rank 1 and rank 0 both on CUDA device 1000";
  return settle_later(*comm, ncclInvalidUsage);
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  *state = comm->is_settled ? comm->state : ncclInProgress;
  comm->is_settled = true;
  const char* const mode = std::getenv("PRETEXT_MOCK_NCCL");
  if (mode && std::strcmp(mode, "lost") == 0) *state = ncclRemoteError;
  return ncclSuccess;
}
ncclResult_t ncclCommFinalize(ncclComm_t comm) { return settle_later(comm, ncclSuccess); }
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  MPI_Comm_free(&comm->ranks);
  delete comm;
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclAllGather(const void* own, void* all, std::size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t on) {
  if (type != ncclInt8 || is_open || !comm->is_settled) return ncclInvalidUsage;
  enqueue_library_work(on, "all-gather", {}, [=] {
    int ranks = 0;
    MPI_Comm_size(comm->ranks, &ranks);
    const int bytes = static_cast<int>(count);
    MPI_Allgather(library_input(own, count), bytes, MPI_BYTE,
                  library_output(all, count * static_cast<std::size_t>(ranks)), bytes, MPI_BYTE, comm->ranks);
  });
  return settle_later(comm, ncclSuccess);
}
ncclResult_t ncclGroupStart() { return is_open ? ncclInvalidUsage : (is_open = true, ncclSuccess); }
ncclResult_t ncclSend(const void* from, std::size_t count, ncclDataType_t, int peer, ncclComm_t comm,
                      cudaStream_t on) {
  return transfer_in_group({.from = from, .bytes = count, .peer = peer}, comm, on);
}
ncclResult_t ncclRecv(void* to, std::size_t count, ncclDataType_t, int peer, ncclComm_t comm,
                      cudaStream_t on) {
  return transfer_in_group({.to = to, .bytes = count, .peer = peer}, comm, on);
}
ncclResult_t ncclGroupEnd() {
  is_open = false;
  if (!group_on) return ncclSuccess;
  const ncclComm_t comm = std::exchange(group_on, nullptr);
  if (!comm->is_settled) return ncclInvalidUsage;
  enqueue_library_work(group_stream, "sends and receives", {},
                       [ranks = comm->ranks, all = std::exchange(group, {})] { move(ranks, all); });
  return settle_later(comm, ncclSuccess);
}

}  // extern "C"
