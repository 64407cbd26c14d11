# [run]
build/examples/chapters/11_a_new_method
# [/run]
