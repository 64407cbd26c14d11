# [draw]
build/examples/draw_builtin --count 500 --classes --out photos
# [/draw]
# [train]
build/examples/pretrain simclr --data photos --epochs 10 --batch 25 --out out/photos
# [/train]
# [evaluate]
build/examples/evaluate --run out/photos
# [/evaluate]
