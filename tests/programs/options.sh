#!/usr/bin/env bash
# Every number of every command line is checked where it enters: a value out of range ends with one short sentence that
# names the option and the value. The options are those that --help lists, so new ones are tested as well.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../support/programs.sh"
needs pretrain evaluate finetune embed search duplicates outliers select classify draw_builtin
tested=0

# refused PROGRAM OPTION VALUE WORDS: the program must refuse the value with the option's name and the words. PROGRAM may be
# "pretrain METHOD".
refused() {
  local program option=$2 value=$3 words=$4 status=0
  read -ra program <<<"$1"
  shift 4
  timeout 60 "$PRETEXT_PROGRAMS/${program[0]}" "${program[@]:1}" "$@" "$option" "$value" >output 2>&1 || status=$?
  if [ "$status" -eq 0 ] || [ "$status" -eq 124 ] || [ -n "$(awk 'length > 200' output)" ] ||
    ! grep -F -- "$option" output | grep -qF -- "$words"; then
    echo "${program[*]} $option '$value': expected a refusal with \"$words\", got status $status and" >&2
    cat output >&2
    exit 1
  fi
  if [ -e run ]; then
    echo "${program[*]} $option '$value' left a folder behind" >&2
    exit 1
  fi
}

# numbers HELP: the options with numbers, and UINT or FLOAT.
numbers() { sed -nE 's/^ *(--[a-z0-9-]+) (UINT|FLOAT).*/\1 \2/p' "$1" | sort -u; }

# The options that the methods share are tested once, with SimCLR.
mapfile -t programs < <(echo pretrain simclr && methods | sed '/^simclr$/d; s/^/pretrain /')
programs+=(evaluate finetune embed search duplicates outliers select classify draw_builtin)
touch shared
for program in "${programs[@]}"; do
  read -ra words <<<"$program"
  case $program in
  evaluate) others=(--run nothing) ;;
  draw_builtin) others=(--out run) ;;
  *) others=(--out run --data builtin) ;;
  esac
  "$PRETEXT_PROGRAMS/${words[0]}" "${words[@]:1}" --help >help
  if [ "$program" = "pretrain simclr" ]; then numbers help >shared; fi
  if [ "${words[0]}" = pretrain ] && [ "${words[1]}" != simclr ]; then numbers help | comm -23 - shared; else numbers help; fi >options
  kinds=
  while read -r option kind; do
    values=(-1 nan "")
    # One parser reads all numbers of a kind: what it refuses is tested with the first option of each.
    case $kinds in *$kind*) first=no ;; *) first=yes kinds+=" $kind" values+=(-0.5 inf 1e999 18446744073709551616x 12monkeys) ;; esac
    for value in "${values[@]}"; do
      refused "$program" "$option" "$value" "must " "${others[@]}"
    done
    if [ "$kind" = UINT ]; then
      refused "$program" "$option" 2.5 "Value 2.5 not in range: it must be a whole number" "${others[@]}"
      if [ $first = yes ]; then
        refused "$program" "$option" -5 "-5" "${others[@]}"
        refused "$program" "$option" 18446744073709551617 18446744073709551617 "${others[@]}"
      fi
    fi
    tested=$((tested + 1))
  done <options
done
if [ "$tested" -lt 40 ]; then
  echo "only $tested options with numbers were found in --help" >&2
  exit 1
fi

refused "pretrain simclr" --epochs 0 "Value 0 not in range: it must be from 1 to 1000000" --out run
refused "pretrain simclr" --learning-rate -0.1 "Value -0.1 not in range: it must not be negative" --out run
refused "pretrain simclr" --jitter -1 "must not be negative" --out run
refused "pretrain simclr" --minimum-area 0 "must be above 0 and at most 1" --out run
refused "pretrain simclr" --momentum 1 "must be at least 0 and below 1" --out run
refused "pretrain byol" --target-momentum 1.5 "Value 1.5 not in range: it must be from 0 to 1" --out run
refused "pretrain simclr" --optimizer adam "must be one of sgd, lars, adamw, not adam" --out run
echo "$tested options refuse numbers out of range"
