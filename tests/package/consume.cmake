# cmake -D way=find_package|add_subdirectory|fetch_content -D root=<sources> -D build=<build tree>
#       -D folder=<work folder> -D compiler=<C++ compiler> -D generator=<generator> -P consume.cmake
# The folders' files are what docs/installing.md shows.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
make_project(${way})
set(strict "-Wall -Wextra -Wconversion -Wshadow -Werror")
set(options -DCMAKE_EXPORT_COMPILE_COMMANDS=ON)
if(way STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${build} --prefix ${folder}/prefix)
  list(APPEND options -DCMAKE_PREFIX_PATH=${folder}/prefix)
elseif(way STREQUAL "add_subdirectory")
  file(MAKE_DIRECTORY ${folder}/project/third_party)
  file(CREATE_LINK ${root} ${folder}/project/third_party/pretext SYMBOLIC)
else()
  list(APPEND options -DFETCHCONTENT_SOURCE_DIR_PRETEXT=${root}) # instead of the repository
endif()

# No build type: one warning. The consumer's own warnings are errors.
run_for(said ${CMAKE_COMMAND} -S ${folder}/project -B ${folder}/build -G ${generator} -DCMAKE_CXX_COMPILER=${compiler}
  -DCMAKE_BUILD_TYPE= "-DCMAKE_CXX_FLAGS=${strict}" ${options})
if(NOT generator MATCHES "Multi-Config")
  must_contain("${said}" "CMAKE_BUILD_TYPE is empty: the compiler optimizes nothing")
  string(REGEX MATCHALL "CMake Warning" warnings "${said}")
  list(LENGTH warnings count)
  if(NOT count EQUAL 1)
    message(FATAL_ERROR "configuring says ${count} warnings, not one:\n${said}")
  endif()
endif()
run(${CMAKE_COMMAND} --build ${folder}/build)
run(${folder}/build/program)

# Our options are our own: a consumer's program is compiled with its flags alone.
file(READ ${folder}/build/compile_commands.json commands)
string(REPLACE "${strict}" "" commands "${commands}")
if(commands MATCHES "-W(all|extra|conversion|shadow)|-march|-fsanitize|-O[0-9s]")
  message(FATAL_ERROR "pretext exports the flag ${CMAKE_MATCH_0}")
endif()
