# GPUs, by the CUDA toolkit.
find_package(CUDAToolkit 12 QUIET GLOBAL)
pretext_component(cuda LIBRARIES CUDA::cudart_static CUDA::cublasLt
  INCLUDES "cuda_runtime_api\\.h|cublasLt\\.h|cudnn_graph\\.h|mma\\.h" PACKAGES "the CUDA toolkit 12 or newer")
