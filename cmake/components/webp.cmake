# WebP files, by libwebp.
pretext_pkg_config(PRETEXT_WEBP libwebp>=1.0 libwebpdemux>=1.0)
pretext_component(webp NEEDS data LIBRARIES PkgConfig::PRETEXT_WEBP INCLUDES "webp/.*" PACKAGES "libwebp 1.0 or newer and pkg-config")
