# A program of one .cu file links pretext::cuda, without a word about the standard; GPUs before sm_80 end in one sentence.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
needs_program(nvcc nvcc)
make_project(cuda)
run(${CMAKE_COMMAND} --install ${build} --prefix ${folder}/prefix)
set(configure ${CMAKE_COMMAND} -S ${folder}/project -G ${generator} -DCMAKE_CXX_COMPILER=${compiler}
  -DCMAKE_CUDA_COMPILER=${nvcc} -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH=${folder}/prefix)
run(${configure} -B ${folder}/build)
run(${CMAKE_COMMAND} --build ${folder}/build)
run(${folder}/build/program)
run(${configure} -B ${folder}/old -DCMAKE_CUDA_ARCHITECTURES=75)
must_fail_with("pretext needs GPUs of sm_80 or newer: set CMAKE_CUDA_ARCHITECTURES to 80 or more"
  ${CMAKE_COMMAND} --build ${folder}/old)
