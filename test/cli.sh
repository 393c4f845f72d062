# What tests of the program are made of; sourced, with the program as $1. Runs in a folder of its own.
set -u
program=$(realpath "$1")
"$program" --version >/dev/null || exit 1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root/files" "$root/log"
cd "$root/files" || exit 1
out=$root/log/out
err=$root/log/err
checks=0
failures=0

# --- What cases are made of ---------------------------------------------------------------------------------------

fail() {
  failures=$((failures + 1))
  printf 'FAILED: %s\n' "$*"
  head -n 5 "$out" "$err"
}

# check DESCRIPTION COMMAND...: the command succeeds.
check() {
  description=$1
  shift
  checks=$((checks + 1))
  "$@" || fail "$description"
}

sounder() { "$program" "$@" >"$out" 2>"$err"; }

# ends CODE ARGUMENT...: the program's exit code.
ends() {
  expected=$1
  shift
  sounder "$@"
  code=$?
  check "sounder $*: exit code $code, expected $expected" [ "$code" -eq "$expected" ]
}

# refused FRAGMENT ARGUMENT...: exit code 2, FRAGMENT in one line of complaint, no file new or changed.
refused() {
  fragment=$1
  shift
  cksum ./* >"$root/log/before" 2>/dev/null
  ends 2 "$@"
  cksum ./* >"$root/log/after" 2>/dev/null
  check "sounder $*: expected the message to hold '$fragment'" grep -qF -e "$fragment" "$err"
  check "sounder $*: expected one line of complaint" [ "$(wc -l <"$err")" -eq 1 ]
  check "sounder $*: complained on standard output" [ ! -s "$out" ]
  check "sounder $*: left or changed a file" cmp -s "$root/log/before" "$root/log/after"
}

silent() {
  ends 0 "$@"
  check "sounder $*: is not silent" [ "$(cat "$out" "$err" | wc -c)" -eq 0 ]
}

# number FILE KEY: the first value of a key in a JSON file.
number() { sed -n "s/^ *\"$2\": \([^,]*\),*\$/\1/p" "$1" | head -n 1; }

# between LOW VALUE HIGH
between() { awk "BEGIN { exit !($1 <= $2 && $2 <= $3) }"; }

has_keys() {
  file=$1
  shift
  for key in "$@"; do check "$file: no \"$key\"" grep -q "\"$key\":" "$file"; done
}

finish() {
  echo "$checks checks, $failures failed"
  [ "$failures" -eq 0 ]
}
