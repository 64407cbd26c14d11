#include <pretext/io/dicom.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dcrlecce.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dcrlerp.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>
#include <dcmtk/dcmjpeg/djrploss.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <dcmtk/dcmjpls/djrparam.h>
#include <doctest/doctest.h>

#include "support/pictures.hpp"
#include "support/printed_by.hpp"
#include "support/temporary_folder.hpp"

using namespace pretext;

namespace {

/// What a test's file shall be.
struct wanted {
  std::size_t height = 5, width = 7, channels = 1, allocated = 16, stored = 16;
  bool has_sign = false;
  std::string photometric = "MONOCHROME2";
  std::size_t planar = 0, frames = 1;
  E_TransferSyntax syntax = EXS_LittleEndianExplicit;
  std::function<void(DcmDataset&)> change = [](DcmDataset&) {};
};

/// The bytes of a file with these samples, written by DCMTK.
template <class T>
std::vector<std::byte> dicom_of(const wanted& as, const std::vector<T>& samples) {
  [[maybe_unused]] static const bool registered = [] {
    DJEncoderRegistration::registerCodecs();
    DJLSEncoderRegistration::registerCodecs(0, 0, 0, 0, OFFalse);  // samples as they are
    DcmRLEEncoderRegistration::registerCodecs();
    return true;
  }();
  DcmFileFormat file;
  DcmDataset& data = *file.getDataset();
  const auto put = [&](const DcmTagKey& tag, std::size_t value) {
    data.putAndInsertUint16(tag, static_cast<Uint16>(value));
  };
  data.putAndInsertString(DCM_SOPClassUID, UID_SecondaryCaptureImageStorage);
  data.putAndInsertString(DCM_SOPInstanceUID, "1.2.3");
  put(DCM_SamplesPerPixel, as.channels);
  data.putAndInsertString(DCM_PhotometricInterpretation, as.photometric.c_str());
  if (as.channels > 1) put(DCM_PlanarConfiguration, as.planar);
  if (as.frames > 1) data.putAndInsertString(DCM_NumberOfFrames, std::to_string(as.frames).c_str());
  put(DCM_Rows, as.height);
  put(DCM_Columns, as.width);
  put(DCM_BitsAllocated, as.allocated);
  put(DCM_BitsStored, as.stored);
  put(DCM_HighBit, as.stored - 1);
  put(DCM_PixelRepresentation, as.has_sign);
  if constexpr (sizeof(T) == 1) {
    std::vector<Uint8> bytes(samples.begin(), samples.end());
    bytes.resize(bytes.size() + bytes.size() % 2);
    data.putAndInsertUint8Array(DCM_PixelData, bytes.data(), bytes.size());
  } else {
    const std::vector<Uint16> words(samples.begin(), samples.end());
    data.putAndInsertUint16Array(DCM_PixelData, words.data(), words.size());
  }
  as.change(data);
  const DJ_RPLossless lossless;
  const DJ_RPLossy lossy{95};
  const DJLSRepresentationParameter near_lossless{0, OFTrue};
  const DcmRLERepresentationParameter runs;
  const DcmRepresentationParameter* how = nullptr;
  if (as.syntax == EXS_JPEGProcess14SV1) how = &lossless;
  if (as.syntax == EXS_JPEGProcess2_4) how = &lossy;
  if (as.syntax == EXS_JPEGLSLossless) how = &near_lossless;
  if (as.syntax == EXS_RLELossless) how = &runs;
  REQUIRE(data.chooseRepresentation(as.syntax, how).good());
  std::vector<std::byte> bytes(1 << 20);
  DcmOutputBufferStream to{bytes.data(), static_cast<offile_off_t>(bytes.size())};
  file.transferInit();
  REQUIRE(file.write(to, as.syntax, EET_ExplicitLength, nullptr).good());
  file.transferEnd();
  void* buffer = nullptr;
  offile_off_t size = 0;
  to.flushBuffer(buffer, size);
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

template <class T>
std::vector<T> counting(const wanted& as, int step, int first = 0) {
  std::vector<T> samples(as.height * as.width * as.channels * as.frames);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<T>(first + static_cast<int>(i) * step);
  return samples;
}

image decoded(std::span<const std::byte> file, const decode_options& options = {.channels = 0}) {
  image picture;
  decode_image(file, "a.dcm", options, picture);
  return picture;
}

void rescale(DcmDataset& data, const char* slope, const char* intercept) {
  data.putAndInsertString(DCM_RescaleSlope, slope);
  data.putAndInsertString(DCM_RescaleIntercept, intercept);
}

}  // namespace

TEST_CASE("gray samples of 8 and 16 bits are kept in every uncompressed transfer syntax") {
  for (const auto syntax : {EXS_LittleEndianExplicit, EXS_LittleEndianImplicit, EXS_BigEndianExplicit}) {
    wanted as{.stored = 12, .syntax = syntax};
    const auto words = counting<std::uint16_t>(as, 100);
    const image sixteen = decoded(dicom_of(as, words));
    CHECK(sixteen.height == 5);
    CHECK(sixteen.width == 7);
    CHECK(sixteen.channels == 1);
    REQUIRE(sixteen.type == sample_type::uint16);
    CHECK(std::ranges::equal(sixteen.samples<std::uint16_t>(), words));
    CHECK(sixteen.range == sample_range{0, 4095});
    as.allocated = as.stored = 8;
    const auto bytes = counting<std::uint8_t>(as, 7);
    const image eight = decoded(dicom_of(as, bytes));
    CHECK(eight.pixels == bytes);
    CHECK(eight.range == sample_range{});
  }
  CHECK(is_image_suffix(".DCM"));
}

TEST_CASE("samples with a sign become floats, and a rescale makes measurements") {
  wanted as{.stored = 12, .has_sign = true};
  const auto samples = counting<std::int16_t>(as, 110, -2048);
  image read = decoded(dicom_of(as, samples));
  REQUIRE(read.type == sample_type::float32);
  CHECK(std::ranges::equal(read.samples<float>(), samples));
  CHECK(read.range == sample_range{-2048, 2047});

  as = {.stored = 12, .change = [](DcmDataset& data) { rescale(data, "2", "-1024.5"); }};
  read = decoded(dicom_of(as, counting<std::uint16_t>(as, 100)));
  REQUIRE(read.type == sample_type::float32);
  for (std::size_t i = 0; i < 35; ++i)
    CHECK(read.samples<float>()[i] == 200 * static_cast<float>(i) - 1024.5f);
  CHECK(read.range == sample_range{-1024.5f, 2 * 4095 - 1024.5f});
  as.change = [](DcmDataset& data) { rescale(data, "-1", "0"); };
  CHECK(decoded(dicom_of(as, counting<std::uint16_t>(as, 100))).range == sample_range{-4095, 0});
  as.change = [](DcmDataset& data) { rescale(data, "1", "0"); };
  CHECK(decoded(dicom_of(as, counting<std::uint16_t>(as, 100))).type == sample_type::uint16);
  as.change = [](DcmDataset& data) { rescale(data, "0", "0"); };
  check_throws<bad_image>([&] { decoded(dicom_of(as, counting<std::uint16_t>(as, 1))); },
                          "a.dcm: damaged DICOM: ", "slope");
  // Of enhanced files, which say it per group of frames.
  as.change = [](DcmDataset& data) {
    DcmItem *group = nullptr, *values = nullptr;
    data.findOrCreateSequenceItem(DCM_SharedFunctionalGroupsSequence, group, -2);
    group->findOrCreateSequenceItem(DCM_PixelValueTransformationSequence, values, -2);
    values->putAndInsertString(DCM_RescaleSlope, "3");
    values->putAndInsertString(DCM_RescaleIntercept, "1");
  };
  CHECK(decoded(dicom_of(as, counting<std::uint16_t>(as, 1))).samples<float>()[2] == 7);
}

TEST_CASE("a range descends where 0 is white, with any levels") {
  const wanted as{.stored = 12, .photometric = "MONOCHROME1"};
  const auto file = dicom_of(as, counting<std::uint16_t>(as, 10));
  CHECK(decoded(file).range == sample_range{4095, 0});
  CHECK(decoded(file, {.channels = 1, .levels = {level_rule::window, 100, 300}}).range ==
        sample_range{300, 100});
}

TEST_CASE("RGB files are read by pixel and by plane, and YBR_FULL becomes RGB") {
  wanted as{.channels = 3, .allocated = 8, .stored = 8, .photometric = "RGB"};
  const auto samples = counting<std::uint8_t>(as, 2);
  CHECK(decoded(dicom_of(as, samples)).pixels == samples);
  as.planar = 1;
  std::vector<std::uint8_t> planes;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t i = 0; i < 35; ++i) planes.push_back(samples[3 * i + c]);
  CHECK(decoded(dicom_of(as, planes)).pixels == samples);
  as = {.height = 1, .width = 1, .channels = 3, .allocated = 8, .stored = 8, .photometric = "YBR_FULL"};
  CHECK(decoded(dicom_of(as, std::vector<std::uint8_t>{76, 85, 255})).pixels ==
        std::vector<std::uint8_t>{254, 0, 0});
}

TEST_CASE("of several frames the first is read, and unused bits of a sample do not count") {
  const wanted as{.stored = 12, .frames = 3};
  auto samples = counting<std::uint16_t>(as, 7);
  auto marked = samples;
  for (auto& sample : marked) sample |= 0x8000;  // an overlay
  const image read = decoded(dicom_of(as, marked));
  samples.resize(35);
  CHECK(read.height == 5);
  CHECK(std::ranges::equal(read.samples<std::uint16_t>(), samples));
}

TEST_CASE("files compressed by lossless JPEG, JPEG-LS and RLE have the pixels that were compressed") {
  for (const std::size_t frames : {1, 2})
    for (const auto syntax : {EXS_JPEGProcess14SV1, EXS_JPEGLSLossless, EXS_RLELossless}) {
      const std::string kind = DcmXfer{syntax}.getXferName();
      CAPTURE(kind);
      wanted as{.height = 16, .width = 24, .frames = frames, .syntax = syntax};
      auto words = counting<std::uint16_t>(as, 60);
      const auto gray = dicom_of(as, words);
      words.resize(16 * 24);
      CHECK(std::ranges::equal(decoded(gray).samples<std::uint16_t>(), words));
      if (syntax == EXS_JPEGProcess14SV1)
        continue;  // DCMTK's encoder of color needs another of its libraries
      as.channels = 3;
      as.allocated = as.stored = 8;
      as.photometric = "RGB";
      auto color = counting<std::uint8_t>(as, 3);
      const auto file = dicom_of(as, color);
      color.resize(16 * 24 * 3);
      CHECK(decoded(file).pixels == color);
    }
}

TEST_CASE("files compressed by lossy JPEG of 8 and 12 bits, gray and color, have nearly the pixels") {
  wanted as{.height = 16, .width = 24, .stored = 12, .syntax = EXS_JPEGProcess2_4};
  const auto words = counting<std::uint16_t>(as, 10);
  const image twelve = decoded(dicom_of(as, words));
  REQUIRE(twelve.type == sample_type::uint16);
  for (std::size_t i = 0; i < words.size(); ++i)
    CHECK(std::abs(int{twelve.samples<std::uint16_t>()[i]} - int{words[i]}) < 100);

  const image picture = smooth_picture(16, 24);
  std::string stream = jpeg_of(picture);
  stream.resize(stream.size() + stream.size() % 2);
  as = {.height = 16, .width = 24, .channels = 3, .allocated = 8, .stored = 8, .photometric = "YBR_FULL_422"};
  as.syntax = EXS_JPEGProcess1;
  as.change = [&](DcmDataset& data) {
    auto* const sequence = new DcmPixelSequence{DCM_PixelSequenceTag};
    sequence->insert(new DcmPixelItem{DCM_PixelItemTag});  // no table of offsets
    auto* const frame = new DcmPixelItem{DCM_PixelItemTag};
    frame->putUint8Array(reinterpret_cast<const Uint8*>(stream.data()),
                         static_cast<unsigned long>(stream.size()));
    sequence->insert(frame);
    auto* const pixels = new DcmPixelData{DCM_PixelData};
    pixels->putOriginalRepresentation(EXS_JPEGProcess1, nullptr, sequence);
    data.insert(pixels, true);
  };
  const image read = decoded(dicom_of(as, picture.pixels));
  CHECK(read.channels == 3);
  CHECK(difference(read, picture) < 3);
}

TEST_CASE(
    "a DICOM file truncated at any byte, or too large, is refused with its name and nothing is printed") {
  for (const auto syntax :
       {EXS_LittleEndianExplicit, EXS_JPEGProcess14SV1, EXS_JPEGLSLossless, EXS_RLELossless}) {
    const std::string kind = DcmXfer{syntax}.getXferName();
    CAPTURE(kind);
    const wanted as{.syntax = syntax};
    const auto file = dicom_of(as, counting<std::uint16_t>(as, 31));
    decoded(file);
    const std::string printed = printed_by([&] {
      // The end of compressed pixels is marked, and nothing is lost with that.
      for (std::size_t size = 132; size < file.size() - (syntax == EXS_LittleEndianExplicit ? 0 : 12);
           ++size) {
        CAPTURE(size);
        check_throws<bad_image>([&] { decoded(std::span{file}.first(size)); }, "a.dcm: ");
      }
      check_throws<bad_image>([&] { decoded(file, {.max_pixels = 34}); }, "a.dcm: 5 x 7 pixels",
                              "34 allowed");
    });
    CHECK(printed == "");
  }
}

TEST_CASE("run lengths whose segments are damaged or elsewhere are refused") {
  const wanted as{.syntax = EXS_RLELossless};
  const auto file = dicom_of(as, counting<std::uint16_t>(as, 31));
  // The header of the frame: two segments, the first of which begins behind it.
  const std::vector<std::byte> header{std::byte{2}, {}, {}, {}, std::byte{64}, {}, {}, {}};
  const auto at = std::search(file.begin(), file.end(), header.begin(), header.end()) - file.begin();
  REQUIRE(at < std::ssize(file));
  for (const std::ptrdiff_t place : {0, 4, 5, 6, 7, 8, 11}) {
    auto damaged = file;
    damaged[static_cast<std::size_t>(at + place)] ^= std::byte{0xFF};
    check_throws<bad_image>([&] { decoded(damaged); }, "a.dcm: damaged DICOM: the run lengths");
  }
}

TEST_CASE("what a file announces and does not hold is refused before its memory is allocated") {
  const auto large = [](DcmDataset& data) {
    data.putAndInsertUint16(DCM_Rows, 10'000);
    data.putAndInsertUint16(DCM_Columns, 10'000);
  };
  wanted as{.change = large};
  check_throws<bad_image>([&] { decoded(dicom_of(as, counting<std::uint16_t>(as, 1))); },
                          "ends before its pixels do");
  // A JPEG stream of another size than the file's.
  as = {.syntax = EXS_JPEGProcess14SV1};
  auto file = dicom_of(as, counting<std::uint16_t>(as, 1));
  const std::vector<std::byte> rows{std::byte{0x28}, std::byte{0}, std::byte{0x10},
                                    std::byte{0}};  // tag of Rows
  const auto at = std::search(file.begin(), file.end(), rows.begin(), rows.end());
  REQUIRE(at != file.end());
  at[8] = std::byte{6};
  check_throws<bad_image>([&] { decoded(file); }, "not of the size or kind");
}

TEST_CASE("sequences within sequences, however many, do not exhaust the stack") {
  const auto plain = dicom_of({}, counting<std::uint16_t>({}, 1));
  std::vector<std::byte> file{plain.begin(), plain.begin() + 132};
  const auto put = [&](std::initializer_list<int> bytes) {
    for (const int byte : bytes) file.push_back(static_cast<std::byte>(byte));
  };
  // The transfer syntax, then a sequence that has an item that has a sequence, of undefined length.
  put({2, 0, 0x10, 0, 'U', 'I', 20, 0});
  for (const char c : std::string{"1.2.840.10008.1.2.1"}) put({c});
  put({0});
  for (int depth = 0; depth < 100'000; ++depth) {
    put({8, 0, 0x40, 0x11, 'S', 'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF});
    put({0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF});
  }
  check_throws<bad_image>([&] { decoded(file); }, "a.dcm: ");
}

TEST_CASE("several threads decode at once, and DCMTK's messages are switched on again") {
  OFLog::configure(OFLogger::WARN_LOG_LEVEL);
  const int level = OFLog::getLogger("dcmtk").getLogLevel();
  wanted as{.syntax = EXS_JPEGLSLossless};
  const auto samples = counting<std::uint16_t>(as, 31);
  const auto file = dicom_of(as, samples);
  std::atomic<int> right = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k)
        right += std::ranges::equal(decoded(file).samples<std::uint16_t>(), samples);
    });
  threads.clear();
  CHECK(right == 80);
  CHECK(OFLog::getLogger("dcmtk").getLogLevel() == level);
  CHECK(level != OFLogger::OFF_LOG_LEVEL);
}

TEST_CASE("kinds of DICOM files that are not supported are refused by what they are") {
  wanted as{.photometric = "PALETTE COLOR"};
  check_throws<bad_image>([&] { decoded(dicom_of(as, counting<std::uint16_t>(as, 1))); },
                          "a.dcm: ", "\"PALETTE COLOR\"", "store MONOCHROME1");
  as = {.change = [](DcmDataset& data) { data.putAndInsertUint16(DCM_BitsAllocated, 32); }};
  check_throws<bad_image>([&] { decoded(dicom_of(as, counting<std::uint16_t>(as, 1))); },
                          "a.dcm: ", "32 bits");
  as = {.change = [](DcmDataset& data) { delete data.remove(DCM_PixelData); }};
  check_throws<bad_image>([&] { decoded(dicom_of(as, counting<std::uint16_t>(as, 1))); }, "a.dcm: ");
  auto file = dicom_of({}, counting<std::uint16_t>({}, 1));
  const std::string from = "1.2.840.10008.1.2.1", to = "1.2.840.10008.1.2.4.90";  // JPEG 2000
  std::string text{reinterpret_cast<const char*>(file.data()), file.size()};
  const std::size_t at = text.find(from);
  REQUIRE(at != text.npos);
  text.replace(at, 20, to);
  text[at - 2] = 22;
  text[140] = static_cast<char>(text[140] + 2);  // the length of the header's group
  check_throws<bad_image>([&] { decoded(std::as_bytes(std::span{text})); }, "a.dcm: ", "JPEG 2000",
                          "not supported");
}
