// Several ranks of `pretrain` or `evaluate`, by MPI: compiled where an MPI is installed.
#include <pretext/distributed/mpi.hpp>

#include "support/ranks.hpp"

namespace {

using pretext::distributed::launch;

class mpi_engine final : public programs::rank_engine {
 public:
  explicit mpi_engine(const launch& started) {
    pretext::distributed::expects_mpi_of(started, mpi_.ranks(), mpi_.implementation());
  }

  std::size_t rank() const override { return mpi_.rank(); }
  std::size_t ranks() const override { return mpi_.ranks(); }
  std::chrono::milliseconds patience() const override { return mpi_.patience(); }
  void set_patience(std::chrono::milliseconds patience, std::string_view doing) override {
    mpi_.set_patience(patience, doing);
  }
  std::string host() const override { return mpi_.host(); }
  void all_gather(const void* own, void* all, std::size_t bytes) override {
    mpi_.all_gather(own, all, bytes);
  }
  void all_to_all(const void* parts, void* received, std::size_t bytes) override {
    mpi_.all_to_all(parts, received, bytes);
  }
  [[noreturn]] void abort(int status) override { mpi_.abort(status); }

 private:
  pretext::distributed::mpi mpi_{std::chrono::minutes{30}};  // until all have opened the images
};

const programs::mpi_entry entry{[](const launch& started) -> std::unique_ptr<programs::rank_engine> {
  return std::make_unique<mpi_engine>(started);
}};

}  // namespace
