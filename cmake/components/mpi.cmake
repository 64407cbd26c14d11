# Ranks that are processes, by the C functions of MPI: Open MPI, MPICH or another one. Its C++ functions are not needed.
if(NOT "${PRETEXT_MPI}" STREQUAL "OFF")
  set(MPI_CXX_SKIP_MPICXX ON)
  find_package(MPI 3 QUIET GLOBAL COMPONENTS CXX)
endif()
pretext_component(mpi LIBRARIES MPI::MPI_CXX INCLUDES "mpi\\.h" PACKAGES "MPI 3 or newer, such as Open MPI")
if(NOT PRETEXT_HAS_mpi AND NOT "${PRETEXT_MPI}" MATCHES "^(AUTO|OFF|)$")
  message(FATAL_ERROR "PRETEXT_MPI is ${PRETEXT_MPI}, but no MPI was found: install one (Debian: libopenmpi-dev), or name its "
    "compiler with -DMPI_CXX_COMPILER=...")
endif()
