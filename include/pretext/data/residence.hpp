#pragma once
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

#include <pretext/core/expects.hpp>
#include <pretext/data/resident_images.hpp>
#include <pretext/data/source.hpp>
#include <pretext/devices/device_memory.hpp>

namespace pretext {

/// Whether a data set lives in a device's memory: its images there, or why it does not.
template <class Device>
struct residence {
  /// The part of the device's free memory that images may take: what a step needs is not known before it.
  static constexpr std::size_t share = 8;

  std::unique_ptr<resident_images<Device>> images;
  std::string why_not;  ///< a sentence where there are none
};

/// Keeps the images of a source in the device's memory if every one can be read, all have one size and their
/// 8-bit numbers take at most an eighth of what is free there.
template <class Device>
residence<Device> take_residence(const any_source& source, std::size_t threads = 1) {
  residence<Device> found;
  try {
    image first;
    source.read(0, first);
    const std::size_t needed = source.size() * first.pixels.size(), free = Device::free_memory();
    if (needed > free / found.share)
      found.why_not = sentence(source.size(), " images take ", detail::mebibytes(needed),
                               ", more than an eighth of the ", detail::mebibytes(free), " that are free");
    else
      found.images = std::make_unique<resident_images<Device>>(source, threads);
  } catch (const bad_image& fault) {  // whoever loads it decides what to do
    found.why_not = fault.what();
  } catch (const std::invalid_argument& fault) {
    found.why_not = fault.what();
  } catch (const out_of_device_memory& fault) { found.why_not = fault.what(); }
  return found;
}

}  // namespace pretext
