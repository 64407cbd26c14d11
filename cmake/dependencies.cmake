# The dependencies of the library and its programs: those installed here, otherwise, with PRETEXT_DOWNLOAD, downloaded at a
# fixed version. GLOBAL, because a project that adds pretext as a subdirectory links them through its targets.
include(FetchContent)
find_package(Threads REQUIRED)

# Downloads a header-only library and puts its include folder behind the target that its own package would define.
function(pretext_fetch_headers name target folder repository tag)
  message(STATUS "${name} was not found here: fetching ${tag} from ${repository}")
  FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${tag} GIT_SHALLOW ON SOURCE_SUBDIR none)
  FetchContent_MakeAvailable(${name})
  string(TOLOWER ${name} lower)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${${lower}_SOURCE_DIR}/${folder}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${${lower}_SOURCE_DIR}/${folder}")
endfunction()

# Downloads a library whose build cannot be embedded, and installs it into the build tree while configuring, so
# that find_package meets it there.
function(pretext_fetch_and_install name repository tag)
  message(STATUS "${name} was not found here: fetching ${tag} from ${repository} and building it")
  FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${tag} GIT_SHALLOW ON SOURCE_SUBDIR none)
  FetchContent_MakeAvailable(${name})
  string(TOLOWER ${name} lower)
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${${lower}_SOURCE_DIR} -B ${${lower}_BINARY_DIR} -G ${CMAKE_GENERATOR}
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_INSTALL_LIBDIR:STRING=lib
    -DCMAKE_INSTALL_PREFIX=${pretext_prefix} -DCMAKE_PREFIX_PATH=${pretext_prefix} ${ARGN}
    COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
  cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${${lower}_BINARY_DIR} --target install --parallel ${cores}
    COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endfunction()
set(pretext_prefix ${CMAKE_CURRENT_BINARY_DIR}/_deps/prefix)

# Sets `fetch` to whether the library behind `target` must be downloaded; without PRETEXT_DOWNLOAD its Debian package is
# noted as missing.
set(missing "")
macro(pretext_needs target package)
  set(fetch OFF)
  if(NOT TARGET ${target} AND PRETEXT_DOWNLOAD)
    set(fetch ON)
  elseif(NOT TARGET ${target})
    list(APPEND missing ${package})
  endif()
endmacro()

# Headers alone, or as a subdirectory of another project, the library needs only Eigen; each other component exists if its
# library is installed.
find_package(Eigen3 3.4 QUIET GLOBAL)
pretext_needs(Eigen3::Eigen libeigen3-dev)
if(fetch)
  pretext_fetch_headers(Eigen Eigen3::Eigen . https://gitlab.com/libeigen/eigen.git 3.4.0)
endif()

if(PRETEXT_TESTS OR PRETEXT_EXAMPLES)
  find_package(xtensor 0.24 QUIET GLOBAL)
  pretext_needs(xtensor libxtensor-dev)
  if(fetch)
    pretext_fetch_headers(xtl xtl include https://github.com/xtensor-stack/xtl.git 0.7.7)
    pretext_fetch_headers(xtensor xtensor include https://github.com/xtensor-stack/xtensor.git 0.25.0)
    set_target_properties(xtensor PROPERTIES INTERFACE_LINK_LIBRARIES xtl)
  endif()
  find_package(JPEG QUIET GLOBAL)
  pretext_needs(JPEG::JPEG libjpeg-dev)
  if(fetch)
    pretext_fetch_and_install(libjpeg-turbo https://github.com/libjpeg-turbo/libjpeg-turbo.git 2.1.5.1
      -DENABLE_SHARED=OFF -DWITH_TURBOJPEG=OFF)
    set(JPEG_ROOT ${pretext_prefix})
    find_package(JPEG REQUIRED GLOBAL)
  endif()
  find_package(PNG QUIET GLOBAL)
  pretext_needs(PNG::PNG libpng-dev)
  if(fetch)
    set(ZLIB_ROOT ${pretext_prefix})
    find_package(ZLIB QUIET GLOBAL)
    if(NOT ZLIB_FOUND)
      pretext_fetch_and_install(zlib https://github.com/madler/zlib.git v1.3.1 -DZLIB_BUILD_EXAMPLES=OFF)
      find_package(ZLIB REQUIRED GLOBAL)
    endif()
    pretext_fetch_and_install(libpng https://github.com/pnggroup/libpng.git v1.6.43 -DPNG_SHARED=OFF -DPNG_TESTS=OFF)
    set(PNG_ROOT ${pretext_prefix})
    find_package(PNG REQUIRED GLOBAL)
  endif()
endif()

# The components, those that build on others first. What was not found so far is never downloaded.
include(${CMAKE_CURRENT_LIST_DIR}/component.cmake)
file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/components/*.cmake)
set(PRETEXT_COMPONENTS "")
foreach(file ${files})
  get_filename_component(component ${file} NAME_WE)
  pretext_find_component(${component})
  if(pretext_${component}_needs)
    list(PREPEND PRETEXT_COMPONENTS ${component})
  else()
    list(APPEND PRETEXT_COMPONENTS ${component})
  endif()
endforeach()

if(PRETEXT_CUDA AND NOT PRETEXT_HAS_cuda)
  message(WARNING "There is a CUDA compiler but no cuBLASLt: nothing is built for GPUs")
  set(PRETEXT_CUDA OFF)
endif()
include(${CMAKE_CURRENT_LIST_DIR}/cudnn.cmake)

if(PRETEXT_TESTS OR (PRETEXT_BENCHMARKS AND PRETEXT_CUDA))
  find_package(doctest 2.4 QUIET GLOBAL)
  pretext_needs(doctest::doctest doctest-dev)
  if(fetch)
    pretext_fetch_headers(doctest doctest::doctest . https://github.com/doctest/doctest.git v2.4.11)
  endif()
endif()

if(PRETEXT_TESTS OR PRETEXT_EXAMPLES)
  find_package(nlohmann_json 3.10 QUIET GLOBAL)
  pretext_needs(nlohmann_json::nlohmann_json nlohmann-json3-dev)
  if(fetch)
    pretext_fetch_headers(nlohmann_json nlohmann_json::nlohmann_json include https://github.com/nlohmann/json.git v3.11.3)
  endif()
  find_package(CLI11 2.1 QUIET GLOBAL)
  pretext_needs(CLI11::CLI11 libcli11-dev)
  if(fetch)
    pretext_fetch_headers(CLI11 CLI11::CLI11 include https://github.com/CLIUtils/CLI11.git v2.4.2)
  endif()
endif()

if(missing)
  set(alternatives "-DPRETEXT_DOWNLOAD=ON, which downloads them")
  if(PROJECT_IS_TOP_LEVEL AND NOT missing STREQUAL "libeigen3-dev")
    string(APPEND alternatives ", or -DPRETEXT_TESTS=OFF -DPRETEXT_EXAMPLES=OFF for the headers alone")
  endif()
  list(JOIN missing " " missing)
  message(FATAL_ERROR "pretext needs ${missing} (Debian's names), which were not found: install them, or configure with "
    "${alternatives}.")
endif()
