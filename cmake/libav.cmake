# Finds libav (FFmpeg) for the component video: PkgConfig::LIBAV and PRETEXT_HAS_video. It is never downloaded.
find_package(PkgConfig QUIET)
set(PRETEXT_HAS_video OFF)
if(PkgConfig_FOUND)
  pkg_check_modules(LIBAV QUIET IMPORTED_TARGET GLOBAL libavformat>=59 libavcodec>=59 libswscale>=6 libavutil>=57)
  if(TARGET PkgConfig::LIBAV)
    set(PRETEXT_HAS_video ON)
  endif()
endif()
