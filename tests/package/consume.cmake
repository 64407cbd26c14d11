# cmake -D way=find_package|add_subdirectory|fetch_content -D root=<sources> -D build=<build tree>
#       -D folder=<work folder> -D compiler=<C++ compiler> -D generator=<generator> -P consume.cmake
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
file(REMOVE_RECURSE ${folder})
if(way STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${build} --prefix ${folder}/prefix)
  set(where -DCMAKE_PREFIX_PATH=${folder}/prefix)
else()
  set(where -DPRETEXT_ROOT=${root})
endif()
# No build type: one warning, and the consumer's own warnings are errors.
run_for(said ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/${way} -B ${folder}/build -G ${generator}
  -DCMAKE_CXX_COMPILER=${compiler} -DCMAKE_BUILD_TYPE= ${where})
if(NOT generator MATCHES "Multi-Config")
  must_contain("${said}" "CMAKE_BUILD_TYPE is empty: the compiler optimizes nothing")
  string(REGEX MATCHALL "CMake Warning" warnings "${said}")
  list(LENGTH warnings count)
  if(NOT count EQUAL 1)
    message(FATAL_ERROR "configuring says ${count} warnings, not one:\n${said}")
  endif()
endif()
run(${CMAKE_COMMAND} --build ${folder}/build)
run(${folder}/build/consumer)

# Our options are our own: a consumer's program is compiled with its flags alone.
file(READ ${folder}/build/compile_commands.json commands)
string(REPLACE "-Wall -Wextra -Wconversion -Wshadow -Werror" "" commands "${commands}")
if(commands MATCHES "-W(all|extra|conversion|shadow)|-march|-fsanitize|-O[0-9s]")
  message(FATAL_ERROR "pretext exports the flag ${CMAKE_MATCH_0}")
endif()
