# cmake -D compiler=... -D flags=<response file> -D case=<source> -P expect.cmake
file(STRINGS ${case} first_line LIMIT_COUNT 1)
execute_process(COMMAND ${compiler} @${flags} ${case} RESULT_VARIABLE code OUTPUT_VARIABLE said ERROR_VARIABLE said)

if(NOT first_line MATCHES "^// expects: (.+)$")
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${case} must compile, but the compiler said:\n${said}")
  endif()
  return()
endif()

set(sentence ${CMAKE_MATCH_1})
if(code EQUAL 0)
  message(FATAL_ERROR "${case} compiles; it must fail and say: ${sentence}")
endif()
# Only an error line counts: the source, quoted below an error, may hold the same words.
string(REGEX MATCHALL "error: [^\n]*" errors "${said}")
string(FIND "${errors}" "${sentence}" where)
if(where EQUAL -1)
  message(FATAL_ERROR "${case} fails, but no error says: ${sentence}\nThe compiler said:\n${said}")
endif()
list(LENGTH errors count)
message(STATUS "said in one of ${count} errors: ${sentence}")
