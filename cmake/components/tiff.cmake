# TIFF files, by libtiff.
find_package(TIFF 4.5 QUIET GLOBAL)
pretext_component(tiff NEEDS data LIBRARIES TIFF::TIFF INCLUDES "tiffio\\.h" PACKAGES "libtiff 4.5 or newer")
