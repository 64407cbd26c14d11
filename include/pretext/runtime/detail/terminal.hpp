// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <pretext/io/detail/file_calls.hpp>
#if defined(_WIN32)
#include <io.h>
#else
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace pretext::inline v0_1::detail {

#if defined(_WIN32)

/// Is the file a terminal on which a line can be rewritten by escape sequences? Consoles of Windows 10 can,
/// once they are asked to.
inline bool rewrites_lines(std::FILE* file) {
  const HANDLE console = reinterpret_cast<HANDLE>(::_get_osfhandle(::_fileno(file)));
  DWORD mode = 0;
  return ::GetConsoleMode(console, &mode) &&
         ::SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

/// Columns of the terminal; 0 if they are unknown.
inline std::size_t terminal_columns(std::FILE* file) {
  CONSOLE_SCREEN_BUFFER_INFO screen;
  const HANDLE console = reinterpret_cast<HANDLE>(::_get_osfhandle(::_fileno(file)));
  if (!::GetConsoleScreenBufferInfo(console, &screen)) return 0;
  return static_cast<std::size_t>(screen.srWindow.Right - screen.srWindow.Left + 1);
}

#else

/// Is the file a terminal on which a line can be rewritten by escape sequences? TERM says so.
inline bool rewrites_lines(std::FILE* file) {
  const char* const term = std::getenv("TERM");
  return ::isatty(fileno(file)) == 1 && term != nullptr && *term != '\0' && std::string_view{term} != "dumb";
}

/// Columns of the terminal; 0 if they are unknown.
inline std::size_t terminal_columns(std::FILE* file) {
  winsize size{};
  return ::ioctl(fileno(file), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

#endif

}  // namespace pretext::inline v0_1::detail
