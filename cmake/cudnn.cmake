# cuDNN 9 beside the CUDA toolkit, wherever CMAKE_PREFIX_PATH says, or in NVIDIA's Python package, which has no
# libcudnn.so but libcudnn.so.9: the target pretext_cudnn_library. Also part of the installed package.
set(PRETEXT_HAS_cudnn OFF)
if(PRETEXT_HAS_cuda AND NOT PRETEXT_CUDNN STREQUAL "OFF")
  find_path(PRETEXT_CUDNN_INCLUDE cudnn_graph.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(PRETEXT_CUDNN_LIBRARY NAMES cudnn libcudnn.so.9
    HINTS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT}/lib)
  find_program(PRETEXT_PYTHON NAMES python3 python)
  mark_as_advanced(PRETEXT_CUDNN_INCLUDE PRETEXT_CUDNN_LIBRARY PRETEXT_PYTHON)
  if(PRETEXT_PYTHON AND NOT (PRETEXT_CUDNN_INCLUDE AND PRETEXT_CUDNN_LIBRARY))
    execute_process(COMMAND ${PRETEXT_PYTHON} -c "import nvidia.cudnn; print(nvidia.cudnn.__path__[0])"
      OUTPUT_VARIABLE python_package OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(python_package)
      find_path(PRETEXT_CUDNN_INCLUDE cudnn_graph.h HINTS ${python_package}/include)
      find_library(PRETEXT_CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${python_package}/lib)
    endif()
  endif()
  if(PRETEXT_CUDNN_INCLUDE AND PRETEXT_CUDNN_LIBRARY)
    set(PRETEXT_HAS_cudnn ON)
    message(STATUS "cuDNN: ${PRETEXT_CUDNN_LIBRARY}")
    add_library(pretext_cudnn_library INTERFACE IMPORTED GLOBAL)
    set_target_properties(pretext_cudnn_library PROPERTIES INTERFACE_LINK_LIBRARIES "${PRETEXT_CUDNN_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${PRETEXT_CUDNN_INCLUDE}")
  elseif(NOT PRETEXT_CUDNN STREQUAL "AUTO")
    message(FATAL_ERROR "PRETEXT_CUDNN is ${PRETEXT_CUDNN}, but cudnn_graph.h and libcudnn of version 9 were not found: "
      "name their folder in CMAKE_PREFIX_PATH")
  elseif(PRETEXT_CUDA) # our own programs; a consumer asks for the component
    message(WARNING "cuDNN 9 was not found: convolutions and attention on GPUs are pretext's own, which are slower. Name its folder in "
      "CMAKE_PREFIX_PATH, or configure with -DPRETEXT_CUDNN=OFF.")
  endif()
endif()
