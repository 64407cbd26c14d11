mkdir -p out
# [run]
build/examples/chapters/08_choose_a_method simclr
build/examples/chapters/08_choose_a_method byol
# [/run]
