# Frames of video files, by libav (FFmpeg).
pretext_pkg_config(PRETEXT_LIBAV libavformat>=59 libavcodec>=59 libswscale>=6 libavutil>=57)
pretext_component(video LIBRARIES PkgConfig::PRETEXT_LIBAV INCLUDES "libavformat/.*"
  PACKAGES "libavformat, libavcodec, libswscale and pkg-config")
