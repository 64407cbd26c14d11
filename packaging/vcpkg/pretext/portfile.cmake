# An overlay port of this clone: `vcpkg install pretext --overlay-ports=packaging/vcpkg`. In a registry, vcpkg_from_github
# would set SOURCE_PATH instead.
get_filename_component(SOURCE_PATH ${CMAKE_CURRENT_LIST_DIR}/../../.. ABSOLUTE)
set(VCPKG_BUILD_TYPE release) # headers

vcpkg_cmake_configure(SOURCE_PATH ${SOURCE_PATH} OPTIONS -DPRETEXT_TESTS=OFF -DPRETEXT_EXAMPLES=OFF -DPRETEXT_DOWNLOAD=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/pretext)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/share/doc)
vcpkg_install_copyright(FILE_LIST ${SOURCE_PATH}/LICENSE)
