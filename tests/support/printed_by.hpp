#pragma once
#include <unistd.h>

#include <cstdio>
#include <string>

#include <pretext/io/file.hpp>

#include "support/temporary_folder.hpp"

/// The text printed to stderr during `call`.
template <class Call>
std::string printed_by(Call&& call) {
  const temporary_folder folder;
  std::fflush(stderr);
  const int before = dup(2);
  FILE* capture = std::fopen((folder / "stderr").c_str(), "w");
  dup2(fileno(capture), 2);
  call();
  std::fflush(stderr);
  dup2(before, 2);
  close(before);
  std::fclose(capture);
  const auto bytes = pretext::read_file(folder / "stderr");
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
