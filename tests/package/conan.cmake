# The Conan recipe packs this clone, and a consumer finds the package. Eigen comes from the machine, so that nothing is
# downloaded.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
needs_program(conan conan)
make_project(find_package)
set(ENV{CONAN_HOME} ${folder}/home)
file(WRITE ${folder}/home/profiles/default "include(detected)
[settings]
compiler.cppstd=20
[platform_requires]
eigen/3.4.0
")
run(${conan} profile detect --name detected)
run(${conan} create ${root}/packaging/conan --no-remote)
file(WRITE ${folder}/conanfile.txt "[requires]\npretext/${version}\n[generators]\nCMakeDeps\nCMakeToolchain\n")
run(${conan} install ${folder} --no-remote --output-folder ${folder}/conan)
run(${CMAKE_COMMAND} -S ${folder}/project -B ${folder}/build -G ${generator}
  -DCMAKE_CXX_COMPILER=${compiler} -DCMAKE_TOOLCHAIN_FILE=${folder}/conan/conan_toolchain.cmake -DCMAKE_BUILD_TYPE=Release)
run(${CMAKE_COMMAND} --build ${folder}/build)
run(${folder}/build/program)
