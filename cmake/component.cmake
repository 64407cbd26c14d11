# A component is the part of the library that needs foreign libraries. Each is one file in components/, which looks for them
# and calls pretext_component; the build, its tests and the installed package read the same files.
set(pretext_components_folder ${CMAKE_CURRENT_LIST_DIR}/components)

# pretext_component(NAME LIBRARIES targets INCLUDES pattern PACKAGES words [NEEDS other components])
# INCLUDES matches the foreign headers: ours that include one belong to the component. PACKAGES says what must be
# installed. Sets PRETEXT_HAS_<name>, and pretext_<name>_libraries, _includes, _packages and _needs.
macro(pretext_component name)
  cmake_parse_arguments(pretext_${name} "" "INCLUDES;PACKAGES" "LIBRARIES;NEEDS" ${ARGN})
  set(pretext_${name}_libraries ${pretext_${name}_LIBRARIES})
  set(pretext_${name}_includes "${pretext_${name}_INCLUDES}")
  set(pretext_${name}_packages "${pretext_${name}_PACKAGES}")
  set(pretext_${name}_needs ${pretext_${name}_NEEDS})
  set(PRETEXT_HAS_${name} ON)
  foreach(pretext_library IN LISTS pretext_${name}_libraries)
    if(NOT TARGET ${pretext_library})
      set(PRETEXT_HAS_${name} OFF)
    endif()
  endforeach()
  foreach(pretext_other IN LISTS pretext_${name}_needs)
    pretext_find_component(${pretext_other})
    if(NOT PRETEXT_HAS_${pretext_other})
      set(PRETEXT_HAS_${name} OFF)
    endif()
  endforeach()
endmacro()

# Looks for the libraries of a component, unless that was done.
macro(pretext_find_component name)
  if(NOT DEFINED PRETEXT_HAS_${name})
    include(${pretext_components_folder}/${name}.cmake)
  endif()
endmacro()

# The target PkgConfig::<prefix> of libraries that pkg-config knows, if they are installed.
macro(pretext_pkg_config prefix)
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(${prefix} QUIET IMPORTED_TARGET GLOBAL ${ARGN})
  endif()
endmacro()

# cxx_std_20 is for C++ alone, and before CMake 3.26 nothing makes nvcc compile C++20.
function(pretext_compile_cuda target)
  if(CMAKE_VERSION VERSION_LESS 3.26)
    get_target_property(imported ${target} IMPORTED)
    set(option $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
    if(NOT imported) # the exported target gets it where it is imported, by the CMake that is there
      set(option $<BUILD_INTERFACE:${option}>)
    endif()
    set_property(TARGET ${target} APPEND PROPERTY INTERFACE_COMPILE_OPTIONS ${option})
  endif()
endfunction()

# For projects that use the library: CMake optimizes nothing unless it is told to.
function(pretext_warn_of_slow_build)
  get_property(multiple GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
  if(NOT multiple AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CXX_FLAGS MATCHES "-O")
    message(WARNING "CMAKE_BUILD_TYPE is empty: the compiler optimizes nothing, and pretext trains 20 times slower. Configure "
      "with -DCMAKE_BUILD_TYPE=Release.")
  endif()
endfunction()
