# How our own tests and programs are compiled. Nothing of this reaches whoever links pretext::pretext.
add_library(pretext_development INTERFACE)
target_compile_options(pretext_development INTERFACE -Wall -Wextra -Wconversion -Wshadow $<$<BOOL:${PRETEXT_WERROR}>:-Werror>)

if(PRETEXT_SANITIZE)
  target_compile_options(pretext_development INTERFACE -fsanitize=${PRETEXT_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(pretext_development INTERFACE -fsanitize=${PRETEXT_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# compile_commands.json for editors and clang-tidy.
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
