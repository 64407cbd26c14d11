// SPDX-License-Identifier: MIT
#pragma once
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/data/source.hpp>
#include <pretext/io/bad_image.hpp>

namespace pretext::inline v0_1 {

/// Options of a video_source.
struct video_options {
  std::size_t every = 1;                 ///< frames from one sample to the next
  std::size_t max_pixels = 200'000'000;  ///< frames of more pixels are refused
};

namespace detail {

struct av_deleter {
  void operator()(AVFormatContext* each) const { avformat_close_input(&each); }
  void operator()(AVCodecContext* each) const { avcodec_free_context(&each); }
  void operator()(AVPacket* each) const { av_packet_free(&each); }
  void operator()(AVFrame* each) const { av_frame_free(&each); }
  void operator()(SwsContext* each) const { sws_freeContext(each); }
};
template <class T>
using av_pointer = std::unique_ptr<T, av_deleter>;

/// When the frames of a video are shown, in ascending order, and those among them that decoding may begin
/// with.
struct frame_index {
  std::vector<std::int64_t> times, keyframes;
};

/// The video stream of a file and its decoder. Used by one thread at a time.
class video_reader {
 public:
  /// Throws std::runtime_error with the path if the file cannot be opened or contains no video that can be
  /// decoded.
  video_reader(const std::filesystem::path& path, std::size_t max_pixels) : path_{path} {
    AVFormatContext* opened = nullptr;
    check(avformat_open_input(&opened, ("file:" + path.string()).c_str(), nullptr, nullptr),
          "cannot be opened");
    file_.reset(opened);
    check(avformat_find_stream_info(file_.get(), nullptr), "has no streams");
    const AVCodec* codec = nullptr;
    stream_ = check(av_find_best_stream(file_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0),
                    "contains no video that can be decoded");
    decoder_.reset(avcodec_alloc_context3(codec));
    check(avcodec_parameters_to_context(decoder_.get(), file_->streams[stream_]->codecpar),
          "cannot be decoded");
    decoder_->thread_count = 1;  // a loader decodes several samples at once
    decoder_->max_pixels = static_cast<std::int64_t>(max_pixels);
    check(avcodec_open2(decoder_.get(), codec, nullptr), "cannot be decoded");
  }

  /// The times of all frames: one pass over the file, without decoding.
  frame_index index() {
    frame_index found;
    while (av_read_frame(file_.get(), packet_.get()) >= 0) {
      const AVPacket& packet = *packet_;
      if (packet.stream_index == stream_ && !(packet.flags & AV_PKT_FLAG_DISCARD)) {
        if (packet.pts == AV_NOPTS_VALUE)
          throw_error<std::runtime_error>(path_.string(),
                                          ": the frames have no times; put the video into a container");
        found.times.push_back(packet.pts);
        if (packet.flags & AV_PKT_FLAG_KEY) found.keyframes.push_back(packet.pts);
      }
      av_packet_unref(packet_.get());
    }
    std::sort(found.times.begin(), found.times.end());
    std::sort(found.keyframes.begin(), found.keyframes.end());
    position_.reset();
    at_end_ = true;
    return found;
  }

  /// Decodes the frame that is shown at a time, as RGB. Returns false if there is none or it is damaged.
  bool read(std::int64_t time, const frame_index& index, image& out) {
    // Decoding continues from the last frame unless a keyframe is nearer.
    const auto after = std::upper_bound(index.keyframes.begin(), index.keyframes.end(), time);
    const std::int64_t keyframe = after == index.keyframes.begin() ? index.times.front() : *(after - 1);
    const bool continues = position_ && *position_ < time && keyframe <= *position_;
    if (!continues) seek(keyframe);
    if (decode_to(time)) return convert(out);
    if (position_ && *position_ <= time) return false;  // the end
    seek(index.times.front());                          // the container sought too far
    return decode_to(time) && convert(out);
  }

 private:
  int check(int result, const char* fault) const {
    if (result >= 0) return result;
    char reason[AV_ERROR_MAX_STRING_SIZE]{};
    av_strerror(result, reason, sizeof reason);
    throw_error<std::runtime_error>(path_.string(), ": ", fault, ": ", static_cast<const char*>(reason));
  }

  void seek(std::int64_t time) {
    av_seek_frame(file_.get(), stream_, time, AVSEEK_FLAG_BACKWARD);
    avcodec_flush_buffers(decoder_.get());
    position_.reset();
    at_end_ = false;
  }

  /// Decodes frames up to one that is shown at or after `time`; returns true if it is shown at that time.
  bool decode_to(std::int64_t time) {
    for (;;) {
      const int result = avcodec_receive_frame(decoder_.get(), frame_.get());
      if (result == 0) {
        position_ = frame_->best_effort_timestamp;
        if (*position_ >= time) return *position_ == time;
      } else if (result != AVERROR(EAGAIN) || at_end_) {
        return false;
      } else {
        send_packet();
      }
    }
  }
  void send_packet() {
    while (av_read_frame(file_.get(), packet_.get()) >= 0) {
      const bool is_video = packet_->stream_index == stream_;
      if (is_video) avcodec_send_packet(decoder_.get(), packet_.get());  // a damaged packet yields no frame
      av_packet_unref(packet_.get());
      if (is_video) return;
    }
    at_end_ = true;
    avcodec_send_packet(decoder_.get(), nullptr);
  }

  bool convert(image& out) {
    const AVFrame& frame = *frame_;
    if (frame.decode_error_flags != 0 || (frame.flags & AV_FRAME_FLAG_CORRUPT)) return false;
    scaler_.reset(sws_getCachedContext(
        scaler_.release(), frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), frame.width,
        frame.height, AV_PIX_FMT_RGB24, SWS_BILINEAR | SWS_ACCURATE_RND, nullptr, nullptr, nullptr));
    const av_pointer<AVFrame> rgb{av_frame_alloc()};  // with the padding that the scaler writes to
    rgb->format = AV_PIX_FMT_RGB24;
    rgb->width = frame.width;
    rgb->height = frame.height;
    if (!scaler_ || av_frame_get_buffer(rgb.get(), 0) < 0 ||
        sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, rgb->data, rgb->linesize) <= 0)
      return false;
    out.height = static_cast<std::size_t>(frame.height);
    out.width = static_cast<std::size_t>(frame.width);
    out.channels = 3;
    out.pixels.resize(3 * out.height * out.width);
    for (std::size_t y = 0; y < out.height; ++y)
      std::copy_n(rgb->data[0] + static_cast<std::ptrdiff_t>(y) * rgb->linesize[0], 3 * out.width,
                  out.pixels.data() + 3 * y * out.width);
    return true;
  }

  std::filesystem::path path_;
  av_pointer<AVFormatContext> file_;
  av_pointer<AVCodecContext> decoder_;
  av_pointer<AVPacket> packet_{av_packet_alloc()};
  av_pointer<AVFrame> frame_{av_frame_alloc()};
  av_pointer<SwsContext> scaler_;
  int stream_ = -1;
  std::optional<std::int64_t> position_;  // of the last decoded frame
  bool at_end_ = false;
};

}  // namespace detail

/// The frames of a video file as images without labels, decoded by libav (FFmpeg) at each read: every Nth
/// frame, in the order in which they are shown. Reading ascending indices decodes each frame once; any other
/// read decodes from the keyframe before it. libav's own messages go to stderr unless the program calls
/// av_log_set_level.
class video_source {
 public:
  /// Reads the times of all frames. Throws std::runtime_error with the path if the file cannot be opened,
  /// contains no video that can be decoded, or no frame.
  explicit video_source(const std::filesystem::path& path, video_options options = {})
      : state_{std::make_shared<state>()} {
    expects(options.every > 0, "every 0th frame of ", path.string(), " cannot be read; give 1 or more");
    state_->path = path;
    state_->options = options;
    auto reader = std::make_unique<detail::video_reader>(path, options.max_pixels);
    state_->index = reader->index();
    if (state_->index.times.empty())
      throw_error<std::runtime_error>(path.string(), ": the video has no frames");
    state_->idle.push_back(std::move(reader));
  }

  std::size_t size() const {
    return (state_->index.times.size() + state_->options.every - 1) / state_->options.every;
  }
  int label(std::size_t) const { return -1; }
  const std::vector<std::string>& class_names() const { return state_->no_names; }
  std::string name(std::size_t index) const {
    return str_cat("frame ", index * state_->options.every, " of ", state_->path.string());
  }
  void read(std::size_t index, image& out) const {
    const std::int64_t time = state_->index.times.at(index * state_->options.every);
    std::unique_ptr<detail::video_reader> reader = take();
    if (!reader->read(time, state_->index, out)) throw_error<bad_image>(name(index), ": cannot be decoded");
    const std::lock_guard lock{state_->mutex};
    state_->idle.push_back(std::move(reader));
  }

 private:
  struct state {
    std::filesystem::path path;
    video_options options;
    detail::frame_index index;
    std::vector<std::string> no_names;
    std::mutex mutex;
    std::vector<std::unique_ptr<detail::video_reader>> idle;
  };

  /// A reader that no other thread uses.
  std::unique_ptr<detail::video_reader> take() const {
    {
      const std::lock_guard lock{state_->mutex};
      if (!state_->idle.empty()) {
        auto reader = std::move(state_->idle.back());
        state_->idle.pop_back();
        return reader;
      }
    }
    return std::make_unique<detail::video_reader>(state_->path, state_->options.max_pixels);
  }

  std::shared_ptr<state> state_;
};

static_assert(Source<video_source>);

}  // namespace pretext::inline v0_1
