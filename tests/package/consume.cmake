# cmake -D way=find_package|add_subdirectory|fetch_content -D root=<sources> -D build=<build tree>
#       -D folder=<work folder> -D compiler=<C++ compiler> -D generator=<generator> -P consume.cmake
file(REMOVE_RECURSE ${folder})
if(way STREQUAL "find_package")
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${build} --prefix ${folder}/prefix
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/${way} -B ${folder}/build -G ${generator}
  -DCMAKE_CXX_COMPILER=${compiler} -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH=${folder}/prefix -DPRETEXT_ROOT=${root}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${folder}/build COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${folder}/build/consumer COMMAND_ERROR_IS_FATAL ANY)

# Our options are our own: a consumer's program is compiled with its flags alone.
file(READ ${folder}/build/compile_commands.json commands)
if(commands MATCHES "-W(all|extra|conversion|shadow)|-march|-fsanitize|-O[0-9s]")
  message(FATAL_ERROR "pretext exports the flag ${CMAKE_MATCH_0}")
endif()
