// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/cpp20.hpp>

/// Marks functions that are compiled for the CPU and the GPU; the only macro of the public API.
#ifdef __CUDACC__
#define PRETEXT_HOST_DEVICE __host__ __device__
#else
#define PRETEXT_HOST_DEVICE
#endif
