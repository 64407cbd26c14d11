cp "$PRETEXT_CHAPTER"/{CMakeLists.txt,main.cpp} . # an existing project
{
# [install]
cmake --install build --prefix prefix
# [/install]
# [build]
cmake -S . -B robot -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH=$PWD/prefix
cmake --build robot
# [/build]
} >&2
# [run]
robot/robot
# [/run]
