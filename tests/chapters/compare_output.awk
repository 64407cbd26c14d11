# awk -f compare_output.awk EXPECTED PRINTED: the files have the same lines, word by word. In the expected words "…" stands for
# any text, in the last word of a line for all that follows, and "0.45±0.1" for a number that differs from 0.45 by at most
# 0.1. docs/site/check_names.py compares the outputs that the pages show in the same way.
function alike(expected, printed, part) {
  if (split(expected, part, "±") == 2 && printed ~ /^-?[0-9.]+[,;:]?$/)
    return printed - part[1] <= part[2] + 0 && part[1] - printed <= part[2] + 0
  if (split(expected, part, "…") == 2)
    return substr(printed, 1, length(part[1])) == part[1] && substr(printed, length(printed) - length(part[2]) + 1) == part[2]
  return expected == printed
}
function same(expected, printed, n, m, a, b, i) {
  n = split(expected, a, " ")
  m = split(printed, b, " ")
  for (i = 1; i <= n; ++i) {
    if (i > m || !alike(a[i], b[i])) return 0
  }
  return n == m || (n > 0 && a[n] ~ /…$/)
}
FNR == 1 { ++file }
file == 1 { wanted[++lines] = $0 }
file == 2 {
  ++found
  if (!same(wanted[found], $0)) {
    print "line " found " is not as expected:\n  " wanted[found] "\nbut\n  " $0
    wrong = 1
  }
}
END {
  if (found != lines) {
    print found + 0 " lines were printed, not " lines
    wrong = 1
  }
  exit wrong
}
