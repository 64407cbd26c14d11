# What is missing has one sentence: a dependency when the library is configured, a component when it is found.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
make_project(fetch_content)
set(configure ${CMAKE_COMMAND} -G ${generator} -DCMAKE_CXX_COMPILER=${compiler})

must_fail_with("pretext needs libeigen3-dev (Debian's names), which were not found: install them, or configure with \
-DPRETEXT_DOWNLOAD=ON, which downloads them."
  ${configure} -S ${folder}/project -B ${folder}/no_eigen -DFETCHCONTENT_SOURCE_DIR_PRETEXT=${root}
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON)
must_fail_with("pretext needs libpng-dev doctest-dev (Debian's names), which were not found: install them, or configure with \
-DPRETEXT_DOWNLOAD=ON, which downloads them, or -DPRETEXT_TESTS=OFF -DPRETEXT_EXAMPLES=OFF for the headers alone."
  ${configure} -S ${root} -B ${folder}/no_png -DCMAKE_CUDA_COMPILER=NOTFOUND -DCMAKE_DISABLE_FIND_PACKAGE_PNG=ON
  -DCMAKE_DISABLE_FIND_PACKAGE_doctest=ON)

run(${CMAKE_COMMAND} --install ${build} --prefix ${folder}/prefix)
file(WRITE ${folder}/consumer/CMakeLists.txt "cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
find_package(pretext REQUIRED COMPONENTS \${component})
")
function(component_must_say component sentence)
  must_fail_with("${sentence}" ${configure} -S ${folder}/consumer -B ${folder}/${component} -Dcomponent=${component}
    -DCMAKE_PREFIX_PATH=${folder}/prefix ${ARGN})
endfunction()
component_must_say(cudnn "the component cudnn needs the CUDA toolkit 12 or newer and cuDNN 9"
  -DPRETEXT_CUDNN_INCLUDE=OFF)
component_must_say(tiff "the component tiff needs libtiff 4.5 or newer" -DCMAKE_DISABLE_FIND_PACKAGE_TIFF=ON)
component_must_say(opencv "not opencv")
