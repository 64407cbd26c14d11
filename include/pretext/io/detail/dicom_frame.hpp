// SPDX-License-Identifier: MIT
#pragma once
// The samples of the first frame of a DICOM file.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcxfer.h>
#include <dcmtk/dcmjpeg/djcparam.h>
#include <dcmtk/dcmjpeg/djdecbas.h>
#include <dcmtk/dcmjpeg/djdecext.h>
#include <dcmtk/dcmjpeg/djdeclol.h>
#include <dcmtk/dcmjpeg/djdecsv1.h>
#include <dcmtk/dcmjpls/djcodecd.h>
#include <dcmtk/dcmjpls/djcparam.h>

#include <pretext/core/expects.hpp>
#include <pretext/io/exif.hpp>
#include <pretext/io/utf8.hpp>

namespace pretext::inline v0_1::detail {

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

/// DCMTK's codec of a way of compression, with its parameters; null for those that it cannot decode or that
/// are decoded here. Progressive JPEG is left out: a small file of many scans takes long.
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
      default:
        return;
    }
    if (syntax == EXS_JPEGLSLossless || syntax == EXS_JPEGLSLossy)
      parameter = std::make_unique<DJLSCodecParameter>(EJLSUC_never, EJLSPC_colorByPixel);
    else
      parameter = std::make_unique<DJCodecParameter>(ECC_lossyYCbCr, EDC_photometricInterpretation, EUC_never,
                                                     EPC_colorByPixel);
  }
};

/// Can pixels that are stored in this way be decoded?
inline bool can_decode(const DcmXfer& syntax) {
  if (!syntax.isEncapsulated()) return syntax.getStreamCompression() == ESC_none;
  return syntax.getXfer() == EXS_RLELossless || dicom_codec{syntax.getXfer()}.codec != nullptr;
}

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

/// Decodes a frame of run lengths (PS3.5, annex G): a segment of PackBits per byte of a pixel, the bytes of a
/// sample in descending order. DCMTK's own decoder trusts the offsets of the segments. False if the frame is
/// damaged.
inline bool decode_dicom_runs(std::span<const std::byte> frame, const dicom_layout& of,
                              std::span<std::byte> to) {
  const exif_bytes header{frame, false};
  const std::size_t sample = of.allocated / 8, pixel = of.channels * sample, pixels = of.height * of.width;
  if (frame.size() < 64 || header.integer(0, 4) != pixel) return false;
  for (std::size_t segment = 0; segment < pixel; ++segment) {
    const std::size_t descending = segment % sample;
    const std::size_t ascending = sample - 1 - descending;
    const std::size_t place =
        segment - descending + (std::endian::native == std::endian::little ? ascending : descending);
    std::size_t at = header.integer(4 + 4 * segment, 4), done = 0;
    while (done < pixels) {
      if (at < 64 || at >= frame.size()) return false;
      const int control = static_cast<std::int8_t>(frame[at++]);
      if (control == -128) continue;
      const auto count = static_cast<std::size_t>(control < 0 ? 1 - control : 1 + control);
      const std::size_t read = control < 0 ? 1 : count;
      if (frame.size() - at < read) return false;
      for (std::size_t i = 0; i < count && done < pixels; ++i)
        to[done++ * pixel + place] = frame[control < 0 ? at : at + i];
      at += read;
    }
  }
  return true;
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
    const auto compressed = std::as_bytes(std::span{stream, first->getLength()});
    layout.planar = 0;
    if (syntax == EXS_RLELossless)
      return decode_dicom_runs(compressed, layout, to) ? "" : "the run lengths do not make the image";
    if (!is_jpeg_of(compressed, layout))
      return "the compressed image is not of the size or kind that the file says";
    status = with.codec->decodeFrame(nullptr, sequence, with.parameter.get(), &data, 0, fragment, to.data(),
                                     size, model);
  } else {
    status = pixels->getUncompressedFrame(&data, 0, fragment, to.data(), size, model);
  }
  layout.photometric = model.c_str();
  return status.good() ? std::string{} : std::string{status.text()};
}

}  // namespace pretext::inline v0_1::detail
