# What is compiled for GPUs here: Ampere, Hopper, and what comes after them from PTX, unless the user says otherwise.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90a-real 90-virtual)
endif()
enable_language(CUDA)
