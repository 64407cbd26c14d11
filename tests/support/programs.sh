# What the scripts in tests/programs share. Each sources it first; "output" holds what the last command printed, "log"
# what others did. A command whose failure ends the script is named, with the last lines of "log".

set -E
trap 'status=$?; echo "line $LINENO: status $status from: $BASH_COMMAND" >&2; [ ! -e log ] || tail -n 5 log >&2' ERR

die() {
  echo "$*" >&2
  [ ! -e output ] || cat output >&2
  [ ! -e log ] || tail -n 5 log >&2
  exit 1
}

# needs PROGRAM...: the test is skipped unless all of these programs were built.
needs() {
  local program
  for program in "$@"; do [ -x "$PRETEXT_PROGRAMS/$program" ] || exit 77; done
}

# methods: the names of the methods that were compiled into `pretrain`.
methods() { "$PRETEXT_PROGRAMS/pretrain" --help | sed -nE '/not compiled/d; s/^  ([a-z0-9_]+)  .*: .*/\1/p'; }

# ended STATUS COMMAND...: the command ends with the status ("failure": any but 0) within five minutes, without text of the
# standard library.
ended() {
  local expected=$1 status=0
  shift
  timeout -k 5 300 "$@" >output 2>&1 || status=$?
  if [ "$expected" = failure ]; then
    [ "$status" -ne 0 ] && [ "$status" -ne 124 ] && [ "$status" -ne 137 ] || die "status $status instead of a failure from: $*"
  else
    [ "$status" -eq "$expected" ] || die "status $status instead of $expected from: $*"
  fi
  ! grep -qE 'std::(bad|[a-z_]*(error|exception|argument))|stoull|stod|terminate called|vector::' output || die "text of the standard library from: $*"
}

# says TEXT and matches PATTERN: the last command printed it.
says() { grep -qF -- "$1" output || die "not said: \"$1\""; }
matches() { grep -qE -- "$1" output || die "nothing said that matches \"$1\""; }

# ends STATUS TEXT COMMAND...: both. fails TEXT COMMAND...: with any status but 0.
ends() {
  ended "$1" "${@:3}"
  says "$2"
}
fails() { ends failure "$@"; }
