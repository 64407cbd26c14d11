# [run]
build/examples/chapters/07_your_own_parts
# [/run]
