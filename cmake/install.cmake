# `cmake --install` copies the headers and the files that find_package(pretext COMPONENTS …) reads.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/pretext)

list(TRANSFORM PRETEXT_COMPONENTS PREPEND pretext_ OUTPUT_VARIABLE targets)
install(TARGETS pretext ${targets} EXPORT pretext FILE_SET HEADERS)
if(PRETEXT_HAS_cudnn)
  install(TARGETS pretext_cudnn EXPORT pretext)
endif()
install(EXPORT pretext NAMESPACE pretext:: FILE pretext-targets.cmake DESTINATION ${package_folder})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/pretext-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/pretext-config.cmake INSTALL_DESTINATION ${package_folder})
install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/components DESTINATION ${package_folder})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/component.cmake ${CMAKE_CURRENT_LIST_DIR}/cudnn.cmake DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/pretext-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/pretext-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/pretext-config-version.cmake
  DESTINATION ${package_folder})
