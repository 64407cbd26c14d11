# [run]
build/examples/chapters/06_adapt_on_the_device
# [/run]
