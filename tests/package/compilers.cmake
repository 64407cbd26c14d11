# The README's program compiles without a warning by another compiler, as C++20 and C++23, without run-time type
# information and with -ffast-math; the products of bf16, too, with optimisation.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
file(REMOVE_RECURSE ${folder})
file(MAKE_DIRECTORY ${folder})
set(flags -I${root}/include -isystem ${eigen} -Wall -Wextra -Wconversion -Wshadow -Werror)
foreach(options "-std=c++20 -fno-rtti" "-std=c++2b -ffast-math")
  separate_arguments(options)
  run(${compiler} ${flags} ${options} -fsyntax-only ${root}/examples/minimal.cpp)
endforeach()
run(${compiler} ${flags} -std=c++20 -O2 -c ${CMAKE_CURRENT_LIST_DIR}/bfloat16_tiles.cpp -o ${folder}/bfloat16_tiles.o)
