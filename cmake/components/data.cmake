# JPEG and PNG files.
find_package(JPEG QUIET GLOBAL)
find_package(PNG QUIET GLOBAL)
pretext_component(data LIBRARIES JPEG::JPEG PNG::PNG INCLUDES "jpeglib\\.h|turbojpeg\\.h|png\\.h"
  PACKAGES "libjpeg and libpng")
