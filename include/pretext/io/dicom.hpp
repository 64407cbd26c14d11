// SPDX-License-Identifier: MIT
#pragma once
// Including this header gives decode_image a reader of DICOM files, by DCMTK: the optional component `dicom`.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcxfer.h>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/io/bad_image.hpp>
#include <pretext/io/decode.hpp>
#include <pretext/io/decode_options.hpp>
#include <pretext/io/detail/dicom_file.hpp>
#include <pretext/io/detail/dicom_frame.hpp>
#include <pretext/io/utf8.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// Slope and intercept from samples to measurements, of the file or of its first frame.
inline std::pair<double, double> dicom_rescale(DcmDataset& data) {
  double slope = 1, intercept = 0;
  const auto read = [&](DcmItem& of) {
    return of.findAndGetFloat64(DCM_RescaleSlope, slope).good() &&
           of.findAndGetFloat64(DCM_RescaleIntercept, intercept).good();
  };
  if (read(data)) return {slope, intercept};
  for (const auto& groups : {DCM_SharedFunctionalGroupsSequence, DCM_PerFrameFunctionalGroupsSequence}) {
    DcmItem *group = nullptr, *values = nullptr;
    if (data.findAndGetSequenceItem(groups, group, 0).good() &&
        group->findAndGetSequenceItem(DCM_PixelValueTransformationSequence, values, 0).good() &&
        read(*values))
      return {slope, intercept};
  }
  return {1, 0};
}

/// Full-range YCbCr of 8 bits to RGB (ITU-R BT.601), in place.
inline void ycbcr_to_rgb(std::span<std::uint8_t> samples) {
  const auto to_byte = [](float x) { return static_cast<std::uint8_t>(std::clamp(x + .5f, 0.f, 255.f)); };
  for (std::size_t i = 0; i + 2 < samples.size(); i += 3) {
    const float y = samples[i], blue = samples[i + 1] - 128.f, red = samples[i + 2] - 128.f;
    samples[i] = to_byte(y + 1.402f * red);
    samples[i + 1] = to_byte(y - .344136f * blue - .714136f * red);
    samples[i + 2] = to_byte(y + 1.772f * blue);
  }
}

}  // namespace detail

/// Decodes the first frame of a DICOM file: MONOCHROME1, MONOCHROME2 and RGB of 8 or 16 bits, uncompressed or
/// compressed by JPEG (baseline, extended, lossless), JPEG-LS or RLE. Samples without sign are kept; those
/// with a sign, or with a rescale slope or intercept, become floats of what they measure. The range is what
/// the stored bits can express, inverted for MONOCHROME1; windows in the file are ignored. Throws
/// `bad_image`, whose message begins with `name`, if the file is damaged, of another kind, or larger than the
/// options allow. May be called from several threads.
inline void decode_dicom(std::span<const std::byte> bytes, const std::string& name,
                         const decode_options& options, image& out) {
  const detail::quiet_dcmtk quiet;
  const auto damaged = [&](std::string_view fault) {
    throw_error<bad_image>(name, ": damaged DICOM: ", fault);
  };
  constexpr Uint32 longest_value_in_memory = 4096;
  detail::dicom_stream stream{bytes};
  DcmFileFormat file;
  file.transferInit();
  const OFCondition status = file.read(stream, EXS_Unknown, EGL_noChange, longest_value_in_memory);
  file.transferEnd();
  DcmDataset& data = *file.getDataset();
  const DcmXfer syntax{data.getOriginalXfer()};
  if (!detail::can_decode(syntax))
    throw_error<bad_image>(name, ": DICOM files compressed as ", syntax.getXferName(),
                           " are not supported; decompress it, for example with dcmconv or gdcmconv");
  if (status.bad()) damaged(status.text());

  detail::dicom_layout layout{data};
  const std::size_t pixels = layout.height * layout.width;
  if (pixels == 0) damaged("the image is empty");
  if (pixels > options.max_pixels)
    throw_error<bad_image>(name, ": ", layout.height, " x ", layout.width, " pixels are more than the ",
                           options.max_pixels, " allowed (max_pixels)");
  if (const std::string fault = layout.fault(); !fault.empty()) throw_error<bad_image>(name, ": ", fault);
  const std::size_t count = pixels * layout.channels, sample = layout.allocated / 8;
  if (!syntax.isEncapsulated() && count * sample > bytes.size())
    damaged("the file ends before its pixels do");

  const bool was_gray = layout.is_gray(), descends = layout.photometric == "MONOCHROME1";
  std::vector<std::byte> stored(count * sample + 1);  // DCMTK's frames have an even number of bytes
  if (const std::string fault = detail::read_dicom_frame(data, layout, stored); !fault.empty())
    damaged(fault);
  if (!was_gray && layout.photometric != "RGB" && layout.photometric != "YBR_FULL")
    throw_error<bad_image>(name, ": pixels stored as ", detail::quote(layout.photometric),
                           " are not supported; store RGB");

  const auto bits_of = [&](std::size_t i) -> std::uint32_t {
    std::uint16_t word = std::to_integer<std::uint8_t>(stored[i * sample]);
    if (sample == 2) std::memcpy(&word, stored.data() + 2 * i, 2);
    return word;
  };
  const auto copy = [&](auto to, auto value_of) {
    for (std::size_t i = 0; i < pixels; ++i)
      for (std::size_t c = 0; c < layout.channels; ++c)
        to[i * layout.channels + c] =
            value_of(layout.sample(bits_of(layout.planar == 1 ? c * pixels + i : i * layout.channels + c)));
  };
  const auto [slope, intercept] = was_gray ? detail::dicom_rescale(data) : std::pair{1., 0.};
  const auto measured = [slope = slope, intercept = intercept](std::int32_t value) {
    return static_cast<float>(slope * value + intercept);
  };
  const auto [least, largest] = layout.bounds();
  if (layout.has_sign || slope != 1 || intercept != 0) {
    if (!pretext::detail::is_finite(measured(least)) || !pretext::detail::is_finite(measured(largest)) ||
        slope == 0)
      damaged("rescale slope and intercept are no numbers to multiply by and add");
    copy(out.resize<float>(layout.height, layout.width, layout.channels), measured);
  } else if (sample == 2) {
    copy(out.resize<std::uint16_t>(layout.height, layout.width, layout.channels),
         [](std::int32_t value) { return static_cast<std::uint16_t>(value); });
  } else {
    const auto samples = out.resize<std::uint8_t>(layout.height, layout.width, layout.channels);
    copy(samples, [](std::int32_t value) { return static_cast<std::uint8_t>(value); });
    if (layout.photometric == "YBR_FULL") detail::ycbcr_to_rgb(samples);
  }
  const float low = measured(slope > 0 ? least : largest), high = measured(slope > 0 ? largest : least);
  const auto whole = bounds_of(out.type, {});
  if (descends)
    out.range = {high, low};
  else if (sample_range{low, high} != whole)
    out.range = {low, high};
}

namespace detail {
inline const bool dicom_is_added =
    add_image_format({"DICOM", {"DICM"}, {".dcm", ".dicom"}, decode_dicom, {}, 128});
}  // namespace detail

}  // namespace pretext::inline v0_1
