// expects: a context of an accelerator cannot have a communicator, because there are no collectives for GPUs
// yet
#include <pretext/distributed/communicator.hpp>
using namespace pretext;
struct some_gpu {
  static constexpr bool is_accelerator = true;
  struct stream {};
};
struct ranks : distributed::communicator<some_gpu> {};
