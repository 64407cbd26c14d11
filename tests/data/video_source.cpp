#include <pretext/data/video_source.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/data/loader.hpp>
#include <pretext/io/file.hpp>

#include "support/temporary_folder.hpp"

using namespace pretext;

namespace {

constexpr int shade_step = 5;

/// A video of 64 x 48 pixels, whose frame i has the gray value 20 + 5 i, with a keyframe every ten frames and
/// B-frames between them, by libav's own encoder.
void write_video(const std::filesystem::path& path, int frames) {
  using namespace pretext::detail;
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
  REQUIRE(codec != nullptr);
  const av_pointer<AVCodecContext> encoder{avcodec_alloc_context3(codec)};
  encoder->width = 64;
  encoder->height = 48;
  encoder->time_base = {1, 25};
  encoder->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder->gop_size = 10;
  encoder->max_b_frames = 2;
  encoder->global_quality = FF_QP2LAMBDA;
  encoder->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_GLOBAL_HEADER;
  REQUIRE(avcodec_open2(encoder.get(), codec, nullptr) == 0);
  AVFormatContext* opened = nullptr;
  REQUIRE(avformat_alloc_output_context2(&opened, nullptr, "matroska", path.c_str()) >= 0);
  AVStream* stream = avformat_new_stream(opened, nullptr);
  avcodec_parameters_from_context(stream->codecpar, encoder.get());
  stream->time_base = encoder->time_base;
  REQUIRE(avio_open(&opened->pb, path.c_str(), AVIO_FLAG_WRITE) >= 0);
  REQUIRE(avformat_write_header(opened, nullptr) >= 0);
  const av_pointer<AVPacket> packet{av_packet_alloc()};
  const av_pointer<AVFrame> frame{av_frame_alloc()};
  frame->format = encoder->pix_fmt;
  frame->width = encoder->width;
  frame->height = encoder->height;
  REQUIRE(av_frame_get_buffer(frame.get(), 0) == 0);
  for (int i = 0; i <= frames; ++i) {
    if (i < frames) {
      REQUIRE(av_frame_make_writable(frame.get()) == 0);
      for (int plane = 0; plane < 3; ++plane)  // luma of video goes from 16 to 235
        std::fill_n(
            frame->data[plane], frame->linesize[plane] * (plane ? 24 : 48),
            static_cast<std::uint8_t>(plane ? 128 : std::lround(16 + (20 + shade_step * i) * 219 / 255.)));
      frame->pts = i;
    }
    REQUIRE(avcodec_send_frame(encoder.get(), i < frames ? frame.get() : nullptr) == 0);
    while (avcodec_receive_packet(encoder.get(), packet.get()) == 0) {
      av_packet_rescale_ts(packet.get(), encoder->time_base, stream->time_base);
      packet->stream_index = 0;
      REQUIRE(av_interleaved_write_frame(opened, packet.get()) == 0);
    }
  }
  av_write_trailer(opened);
  avio_closep(&opened->pb);
  avformat_free_context(opened);
}

/// The number of the frame that an image shows.
int frame_of(const image_view& picture) {
  return static_cast<int>(std::lround((picture.pixels[3 * (24 * 64 + 32)] - 20) / double{shade_step}));
}

}  // namespace

TEST_CASE("every Nth frame of a video is a sample, in any order of reading") {
  const temporary_folder folder;
  write_video(folder / "a.mkv", 44);
  const video_source all{folder / "a.mkv"};
  REQUIRE(all.size() == 44);
  CHECK(all.name(17) == "frame 17 of " + (folder / "a.mkv").string());
  CHECK(all.label(0) == -1);
  image picture;
  for (const std::size_t index : {0, 1, 2, 30, 29, 43, 9, 10, 11, 0, 43, 22, 23, 25, 39}) {
    all.read(index, picture);
    CHECK(picture.height == 48);
    CHECK(picture.width == 64);
    CHECK(frame_of(picture) == static_cast<int>(index));
  }
  const video_source some{folder / "a.mkv", {.every = 3}};
  CHECK(some.size() == 15);
  for (std::size_t index = 0; index < 15; ++index) {
    some.read(index, picture);
    CHECK(frame_of(picture) == static_cast<int>(3 * index));
  }
}

TEST_CASE("a loader reads a video with several threads") {
  const temporary_folder folder;
  write_video(folder / "a.mkv", 44);
  loader batches{video_source{folder / "a.mkv"}, {.batch = 11, .threads = 3}};
  for (int i = 0; i < 4; ++i) {
    const auto batch = batches.next();
    for (std::size_t n = 0; n < 11; ++n)
      CHECK(frame_of(batch.images[n]) == static_cast<int>(batch.samples[n]));
  }
}

TEST_CASE(
    "what is no video, and a frame that is too large, are refused with the path; a cut video ends earlier") {
  av_log_set_level(AV_LOG_QUIET);
  const temporary_folder folder;
  check_throws<std::runtime_error>([&] { video_source{folder / "missing.mkv"}; },
                                   "missing.mkv: cannot be opened");
  write_atomically(folder / "text.mkv", "no video");
  check_throws<std::runtime_error>([&] { video_source{folder / "text.mkv"}; }, "text.mkv: ");
  write_video(folder / "a.mkv", 44);
  check_throws<std::invalid_argument>([&] { video_source(folder / "a.mkv", {.every = 0}); }, "a.mkv");
  const auto bytes = read_file(folder / "a.mkv");
  write_atomically(folder / "cut.mkv", std::span{bytes}.first(bytes.size() / 2));
  const video_source cut{folder / "cut.mkv"};
  CHECK(cut.size() < 44);
  CHECK(cut.size() > 5);
  image picture;
  cut.read(5, picture);
  CHECK(frame_of(picture) == 5);
  try {
    const video_source small{folder / "a.mkv", {.max_pixels = 1000}};
    small.read(0, picture);
    FAIL_CHECK("a frame of 3072 pixels was decoded");
  } catch (const std::runtime_error& error) {
    CHECK(std::string{error.what()}.find("a.mkv") != std::string::npos);
  }
}
