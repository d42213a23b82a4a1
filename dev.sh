#!/usr/bin/env bash
# Everything one does on one's own machine; see ./dev.sh --help.
# Portable: bash 3.2 (macOS) to 5, no GNU-only options.
set -euo pipefail
unset CDPATH PYTHONHOME PYTHONPATH
export PIP_USER=0
cd "$(dirname "${BASH_SOURCE[0]}")"

VERSIONS="3.12 3.11" # best first: 3.12 is what Google Cloud runs
QUICK=(-m "not slow" tests/meta tests/unit tests/usecase tests/contract tests/functional tests/browser) # what a change needs
SPREAD=(--dist loadfile --no-loadscope-reorder) # workers and order: tests/conftest.py
NEEDED_MB=700        # packages and their downloads, measured 490 MB on disk

usage() {
  cat <<'TEXT'
Usage: ./dev.sh COMMAND [ARGUMENTS]

  demo      a TradingView alert becomes an order at a simulated FYERS (--json)
  run       keep everything running to play with (--port 8080, --live for the real
            FYERS, --replay for a morning of trading in two minutes)
  test      what a change needs; arguments go to pytest; --all adds the fault matrix,
            the model checker, deploy.sh's tests, the long forms of others and the
            other supported Python
  journal   what became of the alerts of a day (--day 2026-11-25, --csv)
  check     format, lint, types, layers, shell scripts, packages and their known holes
TEXT
  if has bench; then
    echo "  bench     the performance table"
  fi
  if has pictures; then
    echo "  pictures  take docs/desk-*.png from the simulator (needs Chromium)"
  fi
  if has soak; then
    echo "  soak      hours of trading in minutes, with faults"
  fi
  cat <<'TEXT'
  setup     only make the environment

The first command makes .venv (Python 3.12 or 3.11; PYTHON=/path/to/python picks
one) and later ones start at once. Deleting .venv is always safe.
TEXT
}

main() {
  local command=${1:---help}
  # Once for all: a trap that comes and goes was sometimes not there when it was needed.
  trap 'stop_stage 130' INT
  trap 'stop_stage 143' TERM HUP
  [ $# -eq 0 ] || shift
  case $command in
    demo | run | journal) prepare .venv "$VERSIONS" && exec .venv/bin/python -m "local.$command" "$@" ;;
    bench | soak | pictures)
      has "$command" || fail "There is no local/$command.py here yet." 2
      prepare .venv "$VERSIONS" && exec .venv/bin/python -m "local.$command" "$@"
      ;;
    test) run_tests "$@" ;;
    check) prepare .venv "$VERSIONS" && check ;;
    setup) prepare .venv "$VERSIONS" && echo "Ready: .venv ($(.venv/bin/python -V))" ;;
    -h | --help | help) usage ;;
    *) fail "Unknown command: $command. ./dev.sh --help lists them." 2 ;;
  esac
}

has() { [ -f "local/$1.py" ] || [ -f "local/$1/__main__.py" ]; }

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$1"
  exit "${2:-1}"
}

# --- The environment ----------------------------------------------------------------

# prepare FOLDER VERSIONS: a virtual environment with every package, made, repaired or
# left alone. `ready` decides in a few milliseconds; the rest runs under a lock.
prepare() {
  local venv=$1 python
  if ready "$venv"; then return; fi
  python=$(find_python "$2") || exit 1
  lock "$python"
  if ! ready "$venv"; then # else another run has just made it
    install "$venv" "$python"
  fi
  exec 9<&- # what is started later must not hold the lock
}

# The stamp is written last and holds all the environment depends on: the Python, the
# folder (scripts in bin/ name it) and both requirements files.
stamp() {
  stamp_head "$1" && cat requirements.txt tests/requirements.txt
}

stamp_head() {
  local version
  version=$("$1/bin/python" -V 2>/dev/null) && printf '%s in %s\n' "$version" "$PWD"
}

ready() {
  [ -f "$1/dev-stamp" ] && stamp "$1" | cmp -s - "$1/dev-stamp"
}

# One run at a time, by a lock the kernel drops with its holder. This script is its own
# lock file; Python takes the lock on the open file we share, since macOS has no flock(1).
lock() {
  exec 9<dev.sh
  "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null && return
  say "Another ./dev.sh is preparing the environment; waiting for it."
  "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' || fail "Stopped waiting." 130
}

install() {
  local venv=$1 python=$2
  if ! sound "$venv"; then
    room
    stage "Making $venv with $("$python" -V)" "$python" -m venv --clear "$venv" ||
      explain "The environment $venv could not be made."
  fi
  # The mark outlives an interruption: half-installed packages can look whole to pip,
  # so the next run starts afresh.
  rm -f "$venv/dev-stamp"
  : >"$venv/dev-installing"
  printf '*\n' >"$venv/.gitignore"
  stage "Installing packages into $venv (a minute or two the first time)" \
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
    --retries "${PIP_RETRIES:-2}" --timeout "${PIP_DEFAULT_TIMEOUT:-20}" \
    -r requirements.txt -r tests/requirements.txt ||
    explain "The packages could not be installed."
  stamp "$venv" >"$venv/dev-stamp.new"
  mv "$venv/dev-stamp.new" "$venv/dev-stamp"
  rm -f "$venv/dev-installing"
}

# Whether packages may be installed over what is there.
sound() {
  local head
  [ ! -e "$1/dev-installing" ] || return 1
  head=$(stamp_head "$1") || return 1
  [ ! -f "$1/dev-stamp" ] || [ "$(head -n 1 "$1/dev-stamp")" = "$head" ] || return 1
  "$1/bin/python" -m pip --version >/dev/null 2>&1 && supported "$1/bin/python" "$VERSIONS"
}

room() {
  local free
  free=$(df -Pk . 2>/dev/null | awk 'NR == 2 && $4 ~ /^[0-9]+$/ { print int($4 / 1024) }') || return 0
  if [ -n "$free" ] && [ "$free" -lt "$NEEDED_MB" ]; then
    fail "Only $free MB are free on this disk; the environment needs $NEEDED_MB MB. Make room and run ./dev.sh again."
  fi
}

# find_python VERSIONS: print the first Python that really runs and can make environments.
find_python() {
  local version candidate lame=""
  if [ -n "${PYTHON:-}" ]; then
    supported "$PYTHON" "$1" || fail "PYTHON=$PYTHON does not run or is not Python ${1/ / or }."
    complete "$PYTHON" || fail "$(no_venv "$PYTHON")"
    echo "$PYTHON"
    return
  fi
  for version in $1; do
    while IFS= read -r candidate; do
      supported "$candidate" "$version" || continue # a pyenv shim may exist and not run
      if complete "$candidate"; then
        echo "$candidate"
        return
      fi
      lame=${lame:-$candidate}
    done < <(candidates "$version")
  done
  [ -z "$lame" ] || fail "$(no_venv "$lame")"
  fail "Python ${1/ / or } is needed and none runs here. Install one ($(how_to_install)), or set PYTHON=/path/to/python, and run ./dev.sh again."
}

candidates() {
  local version=$1 folder
  printf '%s\n' "$PATH" | tr ':' '\n' | while IFS= read -r folder; do
    [ ! -x "$folder/python$version" ] || echo "$folder/python$version"
  done
  for folder in "${PYENV_ROOT:-${HOME:-/}/.pyenv}/versions/$version"*; do
    [ ! -x "$folder/bin/python$version" ] || echo "$folder/bin/python$version"
  done
}

supported() {
  "$1" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] not in sys.argv[1].split())' \
    "$2" >/dev/null 2>&1 </dev/null
}

complete() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 </dev/null; }

no_venv() {
  local version
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  echo "$1 cannot make environments: its venv or ensurepip module is missing. On Debian and Ubuntu: sudo apt-get install python$version-venv. Then run ./dev.sh again."
}

how_to_install() {
  if command -v brew >/dev/null 2>&1; then
    echo "brew install python@3.12"
  elif command -v apt-get >/dev/null 2>&1; then
    echo "sudo apt-get install python3.12 python3.12-venv, or python3.11 python3.11-venv"
  else
    echo "https://www.python.org/downloads/"
  fi
}

# --- Long steps ---------------------------------------------------------------------

LOG=""
STEP=""
TICKER=""

# stage TEXT COMMAND...: run it with its output kept in LOG, and show that it lives. Both
# get process groups of their own, so that an interruption takes all of them along; it is
# heard at once, since bash only waits, and in no `$(...)`, where it could get lost.
stage() {
  local text=$1 started=$SECONDS status=0
  shift
  LOG=$(mktemp "${TMPDIR:-/tmp}/dev-sh.XXXXXX") || fail "No temporary file can be made in ${TMPDIR:-/tmp}: no room or no rights."
  [ -t 2 ] || say "$text"
  set -m
  "$@" >"$LOG" 2>&1 </dev/null 9<&- &
  STEP=$!
  tick "$text" "$started" </dev/null 9<&- &
  TICKER=$!
  set +m
  wait "$STEP" || status=$?
  stop_ticking
  STEP=""
  [ ! -t 2 ] || printf '\r\033[K' >&2
  if [ "$status" -eq 0 ]; then
    [ ! -t 2 ] || printf '%s: ' "$text" >&2
    say "done ($((SECONDS - started)) s)"
    rm -f "$LOG"
  fi
  return "$status"
}

tick() {
  local turns=0
  while kill -0 "$$" 2>/dev/null; do # nor longer than the script, however that ends
    show "$1" "$((SECONDS - $2))" "$turns"
    turns=$((turns + 1))
    sleep 0.2
  done
}

stop_ticking() {
  [ -z "$TICKER" ] || kill -KILL -- "-$TICKER" 2>/dev/null || true
  wait "$TICKER" 2>/dev/null || true # nothing of it is printed after this
  TICKER=""
}

show() {
  local spinner='-\|/' doing
  doing=$(latest 60)
  if [ -t 2 ]; then
    printf '\r\033[K%s %s, %s s  %s' "${spinner:$3%4:1}" "$1" "$2" "${doing:0:40}" >&2
  elif [ $(($3 % 8)) -eq 7 ]; then
    say "  $2 s${doing:+  $doing}"
  fi
}

# The start of the last line that pip or apt wrote about a step, at most $1 wide.
latest() {
  tail -n 40 "$LOG" | tr -d '\r' |
    grep -E '^ *(Collecting|Downloading|Using|Installing|Successfully|Get:|Unpacking|Setting up)' |
    tail -n 1 | sed 's/^ *//' | cut -c "1-$1" || true
}

stop_stage() {
  trap '' INT TERM HUP
  stop_ticking
  [ -z "$STEP" ] || kill -TERM -- "-$STEP" 2>/dev/null || true
  [ ! -t 2 ] || echo >&2
  say "Stopped. Run ./dev.sh again to go on."
  rm -f "$LOG"
  exit "$1"
}

# explain WHAT: say in a sentence why the last stage failed, from what it printed.
explain() {
  if grep -qiE 'no space left|errno 28|disk quota' "$LOG"; then
    say "$1 The disk is full: about $NEEDED_MB MB are needed here and some in ${TMPDIR:-/tmp}. Make room and run ./dev.sh again."
  elif grep -qiE 'name resolution|name or service not known|nodename nor servname|network is unreachable|connection refused|newconnectionerror|connecttimeout|read timed out|proxyerror|sslerror' "$LOG"; then
    say "$1 The package index is out of reach: check the network, a proxy (HTTPS_PROXY) or a mirror (PIP_INDEX_URL), and run ./dev.sh again."
  elif grep -qiE 'permission denied|errno 13|read-only file system' "$LOG"; then
    say "$1 This folder may not be written: check who owns $PWD and run ./dev.sh again."
  elif grep -qiE 'no matching distribution' "$LOG"; then
    say "$1 The package index has no fitting $(sed -n 's/.*No matching distribution found for \([^ ]*\).*/\1/p' "$LOG" | head -n 1): is it a mirror that is behind? Check PIP_INDEX_URL and run ./dev.sh again."
  else
    tail -n 20 "$LOG" >&2
    say "$1 The lines above say why."
  fi
  rm -f "$LOG"
  exit 1
}

# --- Checks and tests ---------------------------------------------------------------

FAILED=""

check() {
  local bin=.venv/bin scripts=()
  while IFS= read -r script; do
    scripts+=("$script")
  done < <(find . -path './.[!c]*' -prune -o -path ./build -prune -o \( -name '*.sh' -o -path './.ci/run' \) -type f -print)
  tool "ruff format" "$bin/ruff" format --check .
  tool "ruff" "$bin/ruff" check .
  tool "shellcheck" "$bin/shellcheck" "${scripts[@]}"
  tool "lint-imports" "$bin/lint-imports"
  tool "pip check" "$bin/python" -m pip check --disable-pip-version-check
  tool "mypy" "$bin/mypy"
  audit "$bin/pip-audit"
  [ -z "$FAILED" ] || fail "Failed:$FAILED"
}

# tool NAME COMMAND...: one line; what it printed only when it failed.
tool() {
  local name=$1 started=$SECONDS output
  shift
  printf '%-14s' "$name"
  if output=$("$@" 2>&1); then
    echo "ok ($((SECONDS - started)) s)"
  else
    printf 'FAILED\n%s\n' "$output"
    FAILED="$FAILED $name;"
  fi
}

# audit PROGRAM: known weaknesses of the deployed packages, but for those that
# docs/dependencies.md explains. It asks a database that may be out of reach.
audit() {
  local explained=() id started=$SECONDS output status
  [ -x "$1" ] || return 0 # an environment of before: setup brings it
  printf '%-14s' pip-audit
  while IFS= read -r id; do
    explained+=(--ignore-vuln "$id")
  done < <(grep -oE 'CVE-[0-9]+-[0-9]+' docs/dependencies.md)
  output=$("$1" --progress-spinner off --disable-pip --require-hashes \
    --requirement requirements.txt ${explained[@]+"${explained[@]}"} 2>&1) && status=0 || status=$?
  if printf '%s' "$output" | grep -qiE \
    'could not be audited|max retries|timed out|connection ?error|service ?error|proxy ?error'; then
    echo "DID NOT RUN: its database is out of reach from here"
  elif [ "$status" -eq 0 ]; then
    echo "ok ($((SECONDS - started)) s)"
  else
    printf 'FAILED\n%s\n' "$output"
    FAILED="$FAILED pip-audit;"
  fi
}

run_tests() {
  local all="" count=$# argument
  # Take --all out and leave the rest in its order.
  while [ "$count" -gt 0 ]; do
    argument=$1
    shift
    count=$((count - 1))
    if [ "$argument" = --all ]; then all=logical; else set -- "$@" "$argument"; fi
  done
  prepare .venv "$VERSIONS"
  unset PYTHONDONTWRITEBYTECODE # every worker would compile all tests anew
  if [ $# -eq 0 ]; then
    browser
    set -- "${SPREAD[@]}" -n "${all:-auto}"
    [ -n "$all" ] || set -- "$@" "${QUICK[@]}"
  fi
  [ -n "$all" ] || exec .venv/bin/python -m pytest "$@"
  .venv/bin/python -m pytest "$@"
  other_python
}

# What another Python can change: syntax, the standard library, the packages' own builds.
# Every module of the core is imported and driven by unit and usecase; the webhook over
# HTTP and the demo start the whole, the framework and the server with it. What happens
# between processes is the same on both and was played on the first.
OTHER=(tests/unit tests/usecase tests/functional/test_framework.py
  tests/functional/test_webhook.py tests/functional/test_local_demo.py)

other_python() {
  local version
  version=$(.venv/bin/python -c 'import sys; print("3.11" if sys.version_info[:2] == (3, 12) else "3.12")')
  if ! (PYTHON="" find_python "$version" >/dev/null 2>&1); then
    say "Python $version is not installed here: the tests ran on $(.venv/bin/python -V) only."
    return
  fi
  PYTHON="" prepare ".venv-$version" "$version"
  say "What may differ on Python $version:"
  ".venv-$version/bin/python" -m pytest -p no:cacheprovider "${SPREAD[@]}" -n auto "${OTHER[@]}"
}

# Chromium for the browser tests: installed where that asks nobody, else they say why
# they are skipped.
browser() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    if [ -n "$name" ] && name=$(command -v "$name"); then
      export CHROMIUM="$name"
      return
    fi
  done
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    stage "Installing Debian's chromium for the browser tests" sh -c \
      'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium fonts-liberation' &&
      return
    rm -f "$LOG"
  fi
  [ -z "${REQUIRE_EMULATORS:-}" ] ||
    fail "No Chromium is here and REQUIRE_EMULATORS asks for the browser tests: install chromium and run again."
  say "No Chromium here: the browser tests will be skipped (sudo apt-get install chromium brings it)."
}

main "$@"
