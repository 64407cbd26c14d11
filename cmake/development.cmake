# How our own tests and programs are compiled. None of this reaches targets that link pretext::pretext.
add_library(pretext_development INTERFACE)
set(warnings -Wall -Wextra -Wconversion -Wshadow $<$<BOOL:${PRETEXT_WERROR}>:-Werror>)
target_compile_options(pretext_development INTERFACE $<$<COMPILE_LANGUAGE:CXX>:${warnings}>
  $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20> # CMake 3.25 knows no CUDA_STANDARD 20
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wconversion,-Wshadow>
  $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${PRETEXT_WERROR}>>:-Werror=all-warnings>
  $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${PRETEXT_TESTS}>>:-no-compress>) # tests read the PTX

if(PRETEXT_SANITIZE)
  target_compile_options(pretext_development INTERFACE -fsanitize=${PRETEXT_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(pretext_development INTERFACE -fsanitize=${PRETEXT_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()

# compile_commands.json for editors and clang-tidy.
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
