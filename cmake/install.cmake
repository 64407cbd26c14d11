# `cmake --install` copies the headers and the files that find_package(pretext COMPONENTS data tiff xtensor video cuda) reads.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/pretext)

install(TARGETS pretext pretext_data pretext_tiff pretext_xtensor pretext_video pretext_cuda EXPORT pretext FILE_SET HEADERS)
if(PRETEXT_HAS_cudnn)
  install(TARGETS pretext_cudnn EXPORT pretext)
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/cudnn.cmake DESTINATION ${package_folder})
endif()
install(EXPORT pretext NAMESPACE pretext:: FILE pretext-targets.cmake DESTINATION ${package_folder})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/pretext-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/pretext-config.cmake INSTALL_DESTINATION ${package_folder})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/libav.cmake DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/pretext-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/pretext-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/pretext-config-version.cmake
  DESTINATION ${package_folder})
