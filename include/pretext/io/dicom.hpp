#pragma once
// Including this header gives decode_image a reader of DICOM files, by DCMTK: the optional component `dicom`.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrleccd.h>
#include <dcmtk/dcmdata/dcrlecp.h>
#include <dcmtk/dcmdata/dcxfer.h>
#include <dcmtk/dcmjpeg/djcparam.h>
#include <dcmtk/dcmjpeg/djdecbas.h>
#include <dcmtk/dcmjpeg/djdecext.h>
#include <dcmtk/dcmjpeg/djdeclol.h>
#include <dcmtk/dcmjpeg/djdecsv1.h>
#include <dcmtk/dcmjpls/djcodecd.h>
#include <dcmtk/dcmjpls/djcparam.h>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/io/bad_image.hpp>
#include <pretext/io/decode.hpp>
#include <pretext/io/decode_options.hpp>
#include <pretext/io/detail/dicom_file.hpp>
#include <pretext/io/exif.hpp>
#include <pretext/io/utf8.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// A number of a data set, `otherwise` if it has none.
inline std::size_t dicom_number(DcmItem& of, const DcmTagKey& tag, std::size_t otherwise = 0) {
  Uint16 value = 0;
  return of.findAndGetUint16(tag, value).good() ? value : otherwise;
}

/// How the samples of a DICOM file are stored.
struct dicom_layout {
  std::size_t height, width, channels, allocated, stored, high, planar;
  bool has_sign;
  std::string photometric;

  explicit dicom_layout(DcmItem& of)
      : height{dicom_number(of, DCM_Rows)},
        width{dicom_number(of, DCM_Columns)},
        channels{dicom_number(of, DCM_SamplesPerPixel, 1)},
        allocated{dicom_number(of, DCM_BitsAllocated)},
        stored{dicom_number(of, DCM_BitsStored, allocated)},
        high{dicom_number(of, DCM_HighBit, stored - 1)},
        planar{dicom_number(of, DCM_PlanarConfiguration)},
        has_sign{dicom_number(of, DCM_PixelRepresentation) == 1} {
    OFString text;
    if (of.findAndGetOFString(DCM_PhotometricInterpretation, text).good()) photometric = text.c_str();
  }

  bool is_gray() const {
    return channels == 1 && (photometric == "MONOCHROME1" || photometric == "MONOCHROME2");
  }
  bool is_color() const {
    return channels == 3 && !has_sign &&
           (photometric == "RGB" || (allocated == 8 && photometric.starts_with("YBR_FULL")));
  }
  /// What is not supported about the samples; empty if nothing is.
  std::string fault() const {
    if (!is_gray() && !is_color())
      return str_cat("samples of the kind ", quote(photometric), " with ", channels,
                     " per pixel are not supported; store MONOCHROME1, MONOCHROME2 or RGB");
    if (allocated != 8 && allocated != 16)
      return str_cat("samples of ", allocated, " bits are not supported; store 8 or 16");
    if (stored == 0 || stored > allocated || high >= allocated || high + 1 < stored)
      return str_cat("damaged DICOM: ", stored, " bits up to bit ", high, " do not fit into ", allocated);
    return {};
  }
  /// The sample whose bits these are.
  std::int32_t sample(std::uint32_t bits) const {
    const std::uint32_t value = bits >> (high + 1 - stored) & ((1u << stored) - 1);
    const bool negative = has_sign && (value >> (stored - 1) & 1u) != 0;
    return static_cast<std::int32_t>(value) - (negative ? 1 << stored : 0);
  }
  /// The least and the largest sample.
  std::pair<std::int32_t, std::int32_t> bounds() const {
    if (has_sign) return {-(1 << (stored - 1)), (1 << (stored - 1)) - 1};
    return {0, (1 << stored) - 1};
  }
};

/// The codec of a way of compression, with its parameters; null for those that DCMTK cannot decode here.
/// Progressive JPEG is left out: a small file of many scans takes long.
struct dicom_codec {
  std::unique_ptr<DcmCodec> codec;
  std::unique_ptr<DcmCodecParameter> parameter;

  explicit dicom_codec(E_TransferSyntax syntax) {
    switch (syntax) {
      case EXS_JPEGProcess1:
        codec = std::make_unique<DJDecoderBaseline>();
        break;
      case EXS_JPEGProcess2_4:
        codec = std::make_unique<DJDecoderExtended>();
        break;
      case EXS_JPEGProcess14:
        codec = std::make_unique<DJDecoderLossless>();
        break;
      case EXS_JPEGProcess14SV1:
        codec = std::make_unique<DJDecoderP14SV1>();
        break;
      case EXS_JPEGLSLossless:
        codec = std::make_unique<DJLSLosslessDecoder>();
        break;
      case EXS_JPEGLSLossy:
        codec = std::make_unique<DJLSNearLosslessDecoder>();
        break;
      case EXS_RLELossless:
        codec = std::make_unique<DcmRLECodecDecoder>();
        break;
      default:
        return;
    }
    if (syntax == EXS_RLELossless)
      parameter = std::make_unique<DcmRLECodecParameter>();
    else if (syntax == EXS_JPEGLSLossless || syntax == EXS_JPEGLSLossy)
      parameter = std::make_unique<DJLSCodecParameter>(EJLSUC_never, EJLSPC_colorByPixel);
    else
      parameter = std::make_unique<DJCodecParameter>(ECC_lossyYCbCr, EDC_photometricInterpretation, EUC_never,
                                                     EPC_colorByPixel);
  }
};

/// Is this a JPEG or JPEG-LS stream of the given extents, in one to four scans? DCMTK allocates and decodes
/// what the stream announces, whatever the file says.
inline bool is_jpeg_of(std::span<const std::byte> stream, const dicom_layout& of) {
  const exif_bytes at{stream};
  if (at.integer(0, 2) != 0xFFD8) return false;
  bool fits = false;
  std::size_t offset = 2;
  for (std::uint32_t marker; offset + 4 <= stream.size() && (marker = at.integer(offset, 2)) != 0xFFDA;) {
    if (marker == 0xFFFF) {  // a fill byte
      ++offset;
      continue;
    }
    if (marker < 0xFF01 || (marker >= 0xFFD0 && marker <= 0xFFD9)) return false;
    const bool is_frame =
        (marker >= 0xFFC0 && marker <= 0xFFCF && marker != 0xFFC4 && marker != 0xFFC8 && marker != 0xFFCC) ||
        marker == 0xFFF7;
    if (is_frame) {
      if (fits || marker == 0xFFC2 || at.integer(offset + 5, 2) != of.height ||
          at.integer(offset + 7, 2) != of.width || at.integer(offset + 9, 1) != of.channels)
        return false;
      fits = true;
    }
    offset += 2 + std::max<std::size_t>(2, at.integer(offset + 2, 2));
  }
  std::size_t scans = 0;
  for (; offset + 2 <= stream.size(); ++offset) scans += at.integer(offset, 2) == 0xFFDA;
  return fits && scans >= 1 && scans <= 4;
}

/// The samples of the first frame, in the machine's byte order, and their color model. Returns a fault, empty
/// if there is none.
inline std::string read_dicom_frame(DcmDataset& data, dicom_layout& layout, std::span<std::byte> to) {
  DcmElement* element = nullptr;
  auto* const pixels =
      data.findAndGetElement(DCM_PixelData, element).good() ? dynamic_cast<DcmPixelData*>(element) : nullptr;
  if (!pixels) return "there are no pixels";
  const E_TransferSyntax syntax = data.getOriginalXfer();
  Uint32 fragment = 0;
  OFString model;
  OFCondition status = EC_Normal;
  const auto size = static_cast<Uint32>(to.size());
  if (DcmXfer{syntax}.isEncapsulated()) {
    const dicom_codec with{syntax};
    DcmPixelSequence* sequence = nullptr;
    DcmPixelItem* first = nullptr;
    Uint8* stream = nullptr;
    status = pixels->getEncapsulatedRepresentation(syntax, nullptr, sequence);
    if (status.good()) status = sequence->getItem(first, 1);
    if (status.good()) status = first->getUint8Array(stream);
    if (status.bad()) return status.text();
    if (syntax != EXS_RLELossless &&
        !is_jpeg_of(std::as_bytes(std::span{stream, first->getLength()}), layout))
      return "the compressed image is not of the size or kind that the file says";
    status = with.codec->decodeFrame(nullptr, sequence, with.parameter.get(), &data, 0, fragment, to.data(),
                                     size, model);
    if (syntax != EXS_RLELossless) layout.planar = 0;
  } else {
    status = pixels->getUncompressedFrame(&data, 0, fragment, to.data(), size, model);
  }
  layout.photometric = model.c_str();
  return status.good() ? std::string{} : std::string{status.text()};
}

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
  if ((syntax.isEncapsulated() && !detail::dicom_codec{syntax.getXfer()}.codec) ||
      syntax.getStreamCompression() != ESC_none)
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
    if (!std::isfinite(measured(least)) || !std::isfinite(measured(largest)) || slope == 0)
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
