#pragma once

/// Marks the arithmetic that the CPU and the GPU share; the only macro of the public API.
#ifdef __CUDACC__
#define PRETEXT_HOST_DEVICE __host__ __device__
#else
#define PRETEXT_HOST_DEVICE
#endif
