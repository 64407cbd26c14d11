# cuDNN 9 beside the CUDA toolkit or wherever CMAKE_PREFIX_PATH says: the target pretext_cudnn_library. Also part of the
# installed package.
set(PRETEXT_HAS_cudnn OFF)
if(PRETEXT_HAS_cuda AND NOT PRETEXT_CUDNN STREQUAL "OFF")
  find_path(PRETEXT_CUDNN_INCLUDE cudnn_graph.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(PRETEXT_CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT}/lib)
  mark_as_advanced(PRETEXT_CUDNN_INCLUDE PRETEXT_CUDNN_LIBRARY)
  if(PRETEXT_CUDNN_INCLUDE AND PRETEXT_CUDNN_LIBRARY)
    set(PRETEXT_HAS_cudnn ON)
    add_library(pretext_cudnn_library INTERFACE IMPORTED GLOBAL)
    set_target_properties(pretext_cudnn_library PROPERTIES INTERFACE_LINK_LIBRARIES "${PRETEXT_CUDNN_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${PRETEXT_CUDNN_INCLUDE}")
  elseif(NOT PRETEXT_CUDNN STREQUAL "AUTO")
    message(FATAL_ERROR "PRETEXT_CUDNN is ${PRETEXT_CUDNN}, but cudnn_graph.h and libcudnn of version 9 were not found: "
      "name their folder in CMAKE_PREFIX_PATH")
  endif()
endif()
