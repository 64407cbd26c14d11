# [draw]
build/examples/draw_builtin --count 60 --noise 6 --seed 8 --out mixed
# [/draw]
# [outliers]
build/examples/outliers --run out/photos --data mixed --normal photos --out out/outliers
# [/outliers]
