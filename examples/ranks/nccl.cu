// Several ranks of `pretrain`, each with a GPU, by NCCL: compiled where a CUDA compiler and NCCL are
// installed. MPI connects those that mpirun has started before, torchrun's meet at an address.
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/cuda.cuh>
#include <pretext/distributed/device_shards.hpp>
#include <pretext/distributed/nccl.hpp>

#include "support/ranks.hpp"

namespace {

using namespace pretext;
using distributed::launch;

std::string host_name() {
  char name[256]{};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

std::size_t choose_device(const launch& started) {
  if (const std::string reason = cuda_gpu::unavailable_reason(); !reason.empty())
    throw std::runtime_error{reason};
  int count = 0;
  detail::expects_success(cudaGetDeviceCount(&count), "looking for GPUs");
  const std::size_t device = distributed::gpu_of(started, static_cast<std::size_t>(count));
  detail::expects_success(cudaSetDevice(static_cast<int>(device)), "choosing a GPU");
  return device;
}

distributed::nccl::identity identity_of(const launch& started) {
  return {.rank = started.rank,
          .ranks = started.ranks,
          .device = static_cast<int>(choose_device(started)),
          .host = host_name()};
}

constexpr auto first_patience = std::chrono::minutes{30};  // until all have opened the images

class nccl_engine final : public programs::rank_engine {
 public:
  explicit nccl_engine(const launch& started)
      : nccl_{distributed::nccl_id_at(distributed::meeting_point_from_environment()), identity_of(started),
              first_patience} {}

  std::size_t rank() const override { return nccl_.rank(); }
  std::size_t ranks() const override { return nccl_.ranks(); }
  std::chrono::milliseconds patience() const override { return nccl_.patience(); }
  void set_patience(std::chrono::milliseconds waits, std::string_view doing) override {
    nccl_.set_patience(waits, doing);
  }
  std::string host() const override { return nccl_.host(); }
  void all_gather(const void* own, void* all, std::size_t bytes) override {
    nccl_.all_gather(own, all, bytes);
  }
  void all_to_all(const void* parts, void* received, std::size_t bytes) override {
    nccl_.all_to_all(parts, received, bytes);
  }
  [[noreturn]] void abort(int status) override { nccl_.abort(status); }

  distributed::nccl& native() { return nccl_; }

 private:
  distributed::nccl nccl_;
};

class gpu_shards final : public programs::rank_shards {
 public:
  gpu_shards(distributed::nccl& engine, std::size_t count) : held_{engine, count} {}
  gpu_shards(std::unique_ptr<distributed::nccl> engine, std::size_t count)
      : own_{std::move(engine)}, held_{*own_, count} {}

  std::size_t size() const override { return held_.size(); }
  std::size_t local() const override { return held_.local(); }
  std::size_t first() const override { return held_.first(); }
  void run(const work& each) override {
    held_.run([&](distributed::communicator<cuda_gpu>& own, distributed::communicator<cpu>& host) {
      each(own, host);
    });
  }

 private:
  std::unique_ptr<distributed::nccl> own_;  // null: the launcher's
  distributed::device_shards<cuda_gpu, distributed::nccl> held_;
};

std::unique_ptr<programs::rank_shards> make_shards(programs::rank_engine& ranks, const launch& started,
                                                   std::size_t count) {
  if (auto* const connected = dynamic_cast<nccl_engine*>(&ranks))
    return std::make_unique<gpu_shards>(connected->native(), count);
  launch self = started;
  self.rank = ranks.rank();
  self.ranks = ranks.ranks();
  return std::make_unique<gpu_shards>(std::make_unique<distributed::nccl>(distributed::nccl_id_over(ranks),
                                                                          identity_of(self), first_patience),
                                      count);
}

std::vector<distributed::trait> choose(const launch& started) {
  const auto device = static_cast<int>(choose_device(started));
  const auto attribute = [&](cudaDeviceAttr what) {
    int value = 0;
    detail::expects_success(cudaDeviceGetAttribute(&value, what, device), "reading what the GPU is");
    return value;
  };
  int runtime = 0;
  detail::expects_success(cudaRuntimeGetVersion(&runtime), "reading the version of CUDA");
  return {{"GPU", str_cat("compute capability ", attribute(cudaDevAttrComputeCapabilityMajor), ".",
                          attribute(cudaDevAttrComputeCapabilityMinor), ", ",
                          attribute(cudaDevAttrMultiProcessorCount), " multiprocessors")},
          {"CUDA", cuda_failure::version(runtime)},
          {"cuBLASLt", str_cat(cublasLtGetVersion())},
#ifdef PRETEXT_CUDNN
          {"cuDNN", str_cat(cudnnGetVersion())},
#endif
          {"NCCL", distributed::nccl::implementation()}};
}

const programs::gpu_entry entry{
    {.connect = [](const launch& started) -> std::unique_ptr<programs::rank_engine> {
       return std::make_unique<nccl_engine>(started);
     },
     .choose = choose,
     .make_shards = make_shards}};

}  // namespace
