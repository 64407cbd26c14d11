// SPDX-License-Identifier: MIT
#pragma once
// How DCMTK reads a file in memory: nothing is printed, and nothing is allocated that the file does not hold.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <span>

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcistrma.h>
#include <dcmtk/oflog/oflog.h>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::detail {

/// Switches DCMTK's messages off while one or more of these exist, in all threads.
class quiet_dcmtk {
 public:
  quiet_dcmtk() {
    const std::lock_guard lock{mutex()};
    if (users()++ > 0) return;
    level() = logger().getLogLevel();
    logger().setLogLevel(OFLogger::OFF_LOG_LEVEL);
  }
  quiet_dcmtk(const quiet_dcmtk&) = delete;
  quiet_dcmtk& operator=(const quiet_dcmtk&) = delete;
  ~quiet_dcmtk() {
    const std::lock_guard lock{mutex()};
    if (--users() == 0) logger().setLogLevel(level());
  }

 private:
  static std::mutex& mutex() {
    static std::mutex instance;
    return instance;
  }
  static std::size_t& users() {
    static std::size_t count = 0;
    return count;
  }
  static int& level() {
    static int before = 0;
    return before;
  }
  static OFLogger& logger() {  // of which DCMTK's other loggers are children
    static OFLogger instance = OFLog::getLogger("dcmtk");
    return instance;
  }
};

/// The bytes of a file from a position on.
class dicom_bytes : public DcmProducer {
 public:
  dicom_bytes(std::span<const std::byte> file, std::size_t at, std::uintptr_t stack)
      : file_{file}, at_{at}, stack_{stack} {}

  OFBool good() const override { return status_.good(); }
  OFCondition status() const override { return status_; }
  OFBool eos() override { return at_ == file_.size(); }
  offile_off_t avail() override { return static_cast<offile_off_t>(file_.size() - at_); }
  offile_off_t read(void* to, offile_off_t count) override {
    const std::size_t from = at_;
    const offile_off_t taken = skip(count);
    if (taken > 0) std::memcpy(to, file_.data() + from, static_cast<std::size_t>(taken));
    return taken;
  }
  offile_off_t skip(offile_off_t count) override {
    // DCMTK calls itself for each sequence within another: a file of many must not exhaust the stack.
    constexpr std::uintptr_t most = 256 << 10;
    const std::uintptr_t here = stack_position();
    if (std::max(here, stack_) - std::min(here, stack_) > most) status_ = EC_CorruptedData;
    if (status_.bad()) return 0;
    const offile_off_t taken = std::clamp<offile_off_t>(count, 0, avail());
    at_ += static_cast<std::size_t>(taken);
    return taken;
  }
  void putback(offile_off_t count) override { at_ -= std::min(at_, static_cast<std::size_t>(count)); }

  static std::uintptr_t stack_position() {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  }

 private:
  std::span<const std::byte> file_;
  std::size_t at_;
  std::uintptr_t stack_;
  OFCondition status_ = EC_Normal;
};

/// A stream that can be opened again at any position, so that DCMTK passes over large values and reads them
/// when they are asked for, instead of allocating what their headers announce.
class dicom_stream : public DcmInputStream {
 public:
  explicit dicom_stream(std::span<const std::byte> file, std::size_t at = 0)
      : DcmInputStream{&bytes_}, file_{file}, start_{at}, bytes_{file, at, dicom_bytes::stack_position()} {}

  DcmInputStreamFactory* newFactory() const override {
    return new factory{file_, start_ + static_cast<std::size_t>(tell())};
  }

 private:
  struct factory : DcmInputStreamFactory {
    factory(std::span<const std::byte> bytes, std::size_t position) : file{bytes}, at{position} {}
    DcmInputStream* create() const override { return new dicom_stream{file, at}; }
    DcmInputStreamFactory* clone() const override { return new factory{file, at}; }
    DcmInputStreamFactoryType ident() const override { return DFT_DcmInputFileStreamFactory; }
    std::span<const std::byte> file;
    std::size_t at;
  };

  std::span<const std::byte> file_;
  std::size_t start_;
  dicom_bytes bytes_;
};

}  // namespace pretext::inline v0_1::detail
