# `include/` copied into a project with a Makefile of four lines.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
needs_program(make make)
make_project(makefile)
file(COPY ${root}/include DESTINATION ${folder}/project/third_party/pretext)
run(${make} -C ${folder}/project CXX=${compiler} EIGEN=${eigen}
  "CXXFLAGS=-std=c++20 -O2 -pthread -Wall -Wextra -Wconversion -Wshadow -Werror")
run(${folder}/project/program)
