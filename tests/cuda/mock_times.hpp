#pragma once
#include <vector>

namespace pretext::tests {

/// The proposals of the mock libraries, in their order: the milliseconds that each takes on the mock's clock.
/// A negative one is proposed and not executed.
struct mock_times {
  std::vector<float> products{2, 1}, plans{2, 1};
};
inline mock_times milliseconds_of;

}  // namespace pretext::tests
