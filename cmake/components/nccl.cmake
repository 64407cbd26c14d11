# Ranks that are processes with a GPU each, by NCCL: where CMAKE_PREFIX_PATH says, beside the CUDA toolkit, or in NVIDIA's
# Python package, which has no libnccl.so but libnccl.so.2: the target pretext_nccl_library.
pretext_find_component(cuda)
if(PRETEXT_HAS_cuda AND NOT "${PRETEXT_NCCL}" STREQUAL "OFF" AND NOT TARGET pretext_nccl_library)
  find_path(PRETEXT_NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(PRETEXT_NCCL_LIBRARY NAMES nccl libnccl.so.2
    HINTS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT}/lib)
  find_program(PRETEXT_PYTHON NAMES python3 python)
  mark_as_advanced(PRETEXT_NCCL_INCLUDE PRETEXT_NCCL_LIBRARY PRETEXT_PYTHON)
  if(PRETEXT_PYTHON AND NOT (PRETEXT_NCCL_INCLUDE AND PRETEXT_NCCL_LIBRARY))
    execute_process(COMMAND ${PRETEXT_PYTHON} -c "import nvidia.nccl; print(nvidia.nccl.__path__[0])"
      OUTPUT_VARIABLE pretext_python_package OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(pretext_python_package)
      find_path(PRETEXT_NCCL_INCLUDE nccl.h HINTS ${pretext_python_package}/include)
      find_library(PRETEXT_NCCL_LIBRARY NAMES nccl libnccl.so.2 HINTS ${pretext_python_package}/lib)
    endif()
  endif()
  if(PRETEXT_NCCL_INCLUDE AND PRETEXT_NCCL_LIBRARY)
    add_library(pretext_nccl_library INTERFACE IMPORTED GLOBAL)
    set_target_properties(pretext_nccl_library PROPERTIES INTERFACE_LINK_LIBRARIES "${PRETEXT_NCCL_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${PRETEXT_NCCL_INCLUDE}")
  endif()
endif()
pretext_component(nccl LIBRARIES pretext_nccl_library INCLUDES "nccl\\.h" PACKAGES "the CUDA toolkit 12 or newer and NCCL 2.14 or newer"
  NEEDS cuda)
if(NOT PRETEXT_HAS_nccl AND NOT "${PRETEXT_NCCL}" MATCHES "^(AUTO|OFF|)$")
  message(FATAL_ERROR "PRETEXT_NCCL is ${PRETEXT_NCCL}, but nccl.h and libnccl of version 2.14 or newer were not found: name their "
    "folder in CMAKE_PREFIX_PATH")
endif()
