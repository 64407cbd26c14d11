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
