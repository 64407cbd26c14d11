// SPDX-License-Identifier: MIT
#pragma once
// Reached by every header of the library before its own code (tests/headers/architecture.cmake), so that
// compilers of an older standard say one sentence. The missing file ends the compilation.
#if __cplusplus < 202002L
#error "pretext needs C++20: compile with -std=c++20 or newer"
#include "the file that does not exist and ends the compilation"
#endif
