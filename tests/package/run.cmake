# Included by the tests of this folder: `run(words…)` runs a command and fails with it; `run_for(output words…)` gives what
# it wrote; `must_fail_with(sentence words…)` fails unless the command fails and says the sentence.
cmake_minimum_required(VERSION 3.25)

function(run_for output)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command} ended with ${code}:\n${said}")
  endif()
  set(${output} "${said}" PARENT_SCOPE)
endfunction()

macro(run)
  run_for(ignored ${ARGN})
endmacro()

function(must_contain text sentence)
  string(REGEX REPLACE "[ \n]+" " " text "${text}") # CMake wraps its messages
  string(FIND "${text}" "${sentence}" where)
  if(where EQUAL -1)
    message(FATAL_ERROR "`${sentence}` is missing in:\n${text}")
  endif()
endfunction()

function(must_fail_with sentence)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(code EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command} succeeded; it must fail and say: ${sentence}")
  endif()
  must_contain("${said}" "${sentence}")
endfunction()

# An empty work folder with the project of a folder here in `project`.
function(make_project way)
  file(REMOVE_RECURSE ${folder})
  file(COPY ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${way}/ DESTINATION ${folder}/project)
  file(COPY ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/main.cpp DESTINATION ${folder}/project)
endfunction()

# A program that a test cannot do without: the test is skipped where it is missing.
macro(needs_program variable name)
  find_program(${variable} ${name})
  if(NOT ${variable})
    message("SKIPPED: there is no ${name} on this machine")
    return()
  endif()
endmacro()
