# `include/` copied into a project with a Makefile of four lines.
include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
needs_program(make make)
file(REMOVE_RECURSE ${folder})
file(COPY ${root}/include DESTINATION ${folder}/third_party/pretext)
file(COPY ${CMAKE_CURRENT_LIST_DIR}/makefile/Makefile ${CMAKE_CURRENT_LIST_DIR}/consumer.cpp DESTINATION ${folder})
run(${make} -C ${folder} CXX=${compiler} EIGEN=${eigen})
run(${folder}/consumer)
