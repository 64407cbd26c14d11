// SPDX-License-Identifier: MIT
#pragma once
// The operating system's calls on files: reading at an offset from several threads, files that are durable
// before they become visible, and locks that end with their process have no counterpart in the standard
// library. Both headers define the same names, and no other header calls the system for files.
#include <pretext/io/detail/file_calls_posix.hpp>
#include <pretext/io/detail/file_calls_windows.hpp>
