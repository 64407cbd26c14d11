#pragma once
#include <exception>
#include <functional>
#include <string>

namespace programs {

/// Exit statuses of all programs, beside 0 and those of CLI11 (100 and more) for a wrong command line.
inline constexpr int exit_failed = 1;         ///< one sentence on stderr says why
inline constexpr int exit_interrupted = 130;  ///< by Ctrl-C, SIGTERM or SIGHUP; everything is saved

/// One sentence on an error for the user. Exceptions of the standard library, which only say "stod" or
/// "std::bad_alloc", become sentences of ours; control characters, which may come from names of files, are
/// escaped.
std::string sentence_of(const std::exception& error);

/// `main` of every program: prepares the process for closed descriptors, closed pipes and files that may not
/// grow, runs `body`, which returns the exit status, and turns an exception into one sentence on stderr and
/// `exit_failed`. What `body` printed on stdout must have arrived, too. A launcher such as mpirun may start
/// several processes only if the program runs `on_ranks`; copies of another one would write the same files.
int run_program(const std::string& name, const std::function<int()>& body, bool on_ranks = false);

/// Ends the process with this status at once, without waiting for threads: one may be in a read that never
/// returns. Only for a process that has saved everything.
[[noreturn]] void end_at_once(int status);

}  // namespace programs
