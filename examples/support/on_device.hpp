#pragma once
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include <pretext/core/expects.hpp>

#include "compute_options.hpp"

// A factory creates one product (a trainer, a classifier, an encoder) on any device. CMake stamps one source
// file per factory and device from on_device.in, so that CUDA's compiler sees nothing but the GPU's, and so
// that a program built without CUDA needs no other source: its table simply lacks the entry.
namespace programs {

template <class Factory>
using maker_on_device = std::unique_ptr<typename Factory::product> (*)(const typename Factory::arguments&,
                                                                       const compute_options&);

/// The devices that a factory was compiled for, by their name on the command line.
template <class Factory>
std::map<std::string, maker_on_device<Factory>>& makers() {
  static std::map<std::string, maker_on_device<Factory>> table;
  return table;
}

/// Enters a device into the table of a factory when the program starts.
template <class Factory, class Device>
struct device_entry {
  explicit device_entry(const char* name) { makers<Factory>()[name] = &make; }

 private:
  static std::unique_ptr<typename Factory::product> make(const typename Factory::arguments& arguments,
                                                         const compute_options& compute) {
    if constexpr (requires { Device::unavailable_reason(); }) {
      if (const std::string reason = Device::unavailable_reason(); !reason.empty())
        throw std::runtime_error{reason};
      return Factory::template make<Device>(arguments, typename Device::stream{});
    } else {
      return Factory::template make<Device>(arguments, typename Device::stream{compute.threads});
    }
  }
};

/// The factory's product on the device that the options name. Throws std::runtime_error that says why if the
/// program cannot use that device.
template <class Factory>
std::unique_ptr<typename Factory::product> make_on_device(const typename Factory::arguments& arguments,
                                                          const compute_options& compute) {
  const auto entry = makers<Factory>().find(compute.device);
  if (entry == makers<Factory>().end())
    pretext::throw_error<std::runtime_error>(
        "this program was built without CUDA, so --device ", compute.device,
        " is not available; install the CUDA toolkit (12 or newer, nvcc on the PATH), configure a new build "
        "with cmake -DPRETEXT_CUDA=ON, and build again");
  return entry->second(arguments, compute);
}

}  // namespace programs
