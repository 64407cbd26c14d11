# Approximate nearest neighbours of large sets, by hnswlib, which has headers alone.
find_path(PRETEXT_HNSWLIB_INCLUDE hnswlib/hnswlib.h)
mark_as_advanced(PRETEXT_HNSWLIB_INCLUDE)
if(PRETEXT_HNSWLIB_INCLUDE AND NOT TARGET pretext_hnswlib)
  add_library(pretext_hnswlib INTERFACE IMPORTED GLOBAL)
  set_target_properties(pretext_hnswlib PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${PRETEXT_HNSWLIB_INCLUDE}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${PRETEXT_HNSWLIB_INCLUDE}")
endif()
pretext_component(hnsw LIBRARIES pretext_hnswlib INCLUDES "hnswlib/.*" PACKAGES "hnswlib 0.6 or newer")
