# Every front door refuses C++17 and older with one sentence, after which the compiler stops.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
file(REMOVE_RECURSE ${folder})
foreach(standard 17 14 11)
  foreach(header pretext cpu inference core/tensor io/decode evaluation/knn)
    file(WRITE ${folder}/program.cpp "#include <pretext/${header}.hpp>\nint main() {}\n")
    execute_process(COMMAND ${compiler} -std=c++${standard} -fsyntax-only -I${root}/include ${folder}/program.cpp
      RESULT_VARIABLE code ERROR_VARIABLE said)
    if(code EQUAL 0)
      message(FATAL_ERROR "<pretext/${header}.hpp> compiles as C++${standard}")
    endif()
    must_contain("${said}" "pretext needs C++20: compile with -std=c++20 or newer")
    string(REGEX MATCHALL "error:" errors "${said}")
    list(LENGTH errors count)
    if(count GREATER 2) # the sentence, and the end of the compilation
      message(FATAL_ERROR "<pretext/${header}.hpp> as C++${standard}: ${count} errors:\n${said}")
    endif()
  endforeach()
endforeach()
