# cmake -D compiler=... -D flags=<response file> -D toolkit=<include folders> -D source=... -D folder=... -P cudnn_setting.cmake
# Files of one program that disagree about PRETEXT_CUDNN each keep their own convolutions, and do not link where one
# passes a `cuda_gpu` to the other.
file(MAKE_DIRECTORY ${folder})
list(TRANSFORM toolkit PREPEND -isystem)
file(READ ${flags} response)
string(REPLACE "-fsyntax-only" "" response "${response}")
file(WRITE ${folder}/flags "${response}")

function(compile object)
  execute_process(COMMAND ${compiler} @${folder}/flags ${toolkit} ${ARGN} -c ${source} -o ${folder}/${object}.o
    COMMAND_ERROR_IS_FATAL ANY)
endfunction()
compile(library -DDEFINES_LIBRARY)
compile(library_with_cudnn -DDEFINES_LIBRARY -DPRETEXT_CUDNN)
compile(caller -DCALLS_TRAIN)
compile(caller_with_cudnn -DCALLS_TRAIN -DPRETEXT_CUDNN)
compile(user)
compile(user_with_cudnn -DPRETEXT_CUDNN)

function(link code errors) # "name+name"
  string(REPLACE "+" ";" objects ${ARGN})
  list(TRANSFORM objects REPLACE "(.+)" "${folder}/\\1.o")
  execute_process(COMMAND ${compiler} ${objects} -o ${folder}/program RESULT_VARIABLE result ERROR_VARIABLE message)
  set(${code} ${result} PARENT_SCOPE)
  set(${errors} "${message}" PARENT_SCOPE)
endfunction()

foreach(files caller+library caller_with_cudnn+library_with_cudnn user+library_with_cudnn user_with_cudnn+library
    library+user_with_cudnn)
  link(code errors ${files})
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${files} must link, but the linker reported:\n${errors}")
  endif()
  execute_process(COMMAND ${folder}/program RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${files}: one file executes the convolutions of the other")
  endif()
endforeach()

foreach(files caller+library_with_cudnn caller_with_cudnn+library)
  if(files MATCHES "caller_with_cudnn")
    set(symbol with_cudnn)
  else()
    set(symbol without_cudnn)
  endif()
  link(code errors ${files})
  if(code EQUAL 0)
    message(FATAL_ERROR "${files} disagree about PRETEXT_CUDNN and link")
  elseif(NOT errors MATCHES "undefined[^\n]*train\\(pretext::(v[0-9_]+::)?${symbol}::cuda_gpu::stream")
    message(FATAL_ERROR "${files} do not link, but the linker's message does not name ${symbol}:\n${errors}")
  endif()
endforeach()
