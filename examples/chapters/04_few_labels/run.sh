# [select]
build/examples/select --run out/photos --count 30 --out out/selected
# [/select]
# Here the names of the folders are the labels; you would fill in the column "class" of out/selected/selected.csv.
awk -F, 'NR == 1 { print; next } { split($1, part, "/"); print $1 "," part[1] }' out/selected/selected.csv >labels.csv
# [classify]
build/examples/classify --run out/photos --labelled labels.csv --out out/classes | tail -n 1
# [/classify]
