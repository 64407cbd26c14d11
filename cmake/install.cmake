# `cmake --install` copies the headers and the files that find_package(pretext COMPONENTS …) reads.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(package_folder ${CMAKE_INSTALL_DATADIR}/cmake/pretext) # nothing depends on the processor
set(document_folder ${CMAKE_INSTALL_DATADIR}/doc/pretext)

list(TRANSFORM PRETEXT_COMPONENTS PREPEND pretext_ OUTPUT_VARIABLE targets)
install(TARGETS pretext ${targets} pretext_cudnn EXPORT pretext FILE_SET HEADERS)
install(EXPORT pretext NAMESPACE pretext:: FILE pretext-targets.cmake DESTINATION ${package_folder})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/pretext-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/pretext-config.cmake INSTALL_DESTINATION ${package_folder})
install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/components DESTINATION ${package_folder})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/component.cmake ${CMAKE_CURRENT_LIST_DIR}/cudnn.cmake DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/pretext-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/pretext-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/pretext-config-version.cmake
  DESTINATION ${package_folder})
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${document_folder})

# For `pkg-config --cflags --libs pretext`.
configure_file(${CMAKE_CURRENT_LIST_DIR}/pretext.pc.in ${CMAKE_CURRENT_BINARY_DIR}/pretext.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/pretext.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)

# `cpack -G DEB` or `cpack -G TGZ` in the build folder packs what is installed.
if(PROJECT_IS_TOP_LEVEL)
  set(CPACK_PACKAGE_NAME libpretext-dev)
  set(CPACK_PACKAGE_VENDOR pretext)
  set(CPACK_PACKAGE_CONTACT "pretext contributors")
  set(CPACK_PACKAGE_FILE_NAME libpretext-dev_${PROJECT_VERSION}_all)
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
  set(CPACK_GENERATOR DEB TGZ)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
  set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS libeigen3-dev)
  set(CPACK_DEBIAN_PACKAGE_SUGGESTS
    "libjpeg-dev, libpng-dev, libxtensor-dev, libtiff-dev, libwebp-dev, libdcmtk-dev, libavformat-dev, libonnx-dev, libhnswlib-dev, libopenmpi-dev")
  set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON) # headers need no build
  include(CPack)
endif()
