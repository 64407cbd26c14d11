# DICOM files, by DCMTK: its CMake package fails where its programs are not installed, and pkg-config names all of its
# libraries, most of which are not for images.
find_path(PRETEXT_DCMTK_INCLUDE dcmtk/dcmdata/dcfilefo.h)
mark_as_advanced(PRETEXT_DCMTK_INCLUDE)
set(pretext_dcmtk "")
foreach(pretext_library dcmjpls dcmjpeg dcmdata oflog ofstd)
  find_library(PRETEXT_${pretext_library}_LIBRARY ${pretext_library})
  mark_as_advanced(PRETEXT_${pretext_library}_LIBRARY)
  list(APPEND pretext_dcmtk ${PRETEXT_${pretext_library}_LIBRARY})
endforeach()
if(PRETEXT_DCMTK_INCLUDE AND NOT pretext_dcmtk MATCHES "NOTFOUND" AND NOT TARGET pretext_dcmtk)
  add_library(pretext_dcmtk INTERFACE IMPORTED GLOBAL)
  set_target_properties(pretext_dcmtk PROPERTIES INTERFACE_LINK_LIBRARIES "${pretext_dcmtk}"
    INTERFACE_INCLUDE_DIRECTORIES "${PRETEXT_DCMTK_INCLUDE}")
endif()
pretext_component(dicom NEEDS data LIBRARIES pretext_dcmtk INCLUDES "dcmtk/.*" PACKAGES "DCMTK 3.6.7 or newer, with shared libraries")
