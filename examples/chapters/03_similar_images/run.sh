# [search]
build/examples/search --run out/photos --query photos/checks/000001.png --top 5 --out out/similar
# [/search]
# [embed]
build/examples/embed --run out/photos --format npy --out out/features
# [/embed]
