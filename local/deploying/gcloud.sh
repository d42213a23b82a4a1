#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2153 # a part of deploy.sh, which sources it
#
# deploy.sh's way to speak with its person and with gcloud. Everything that could change
# anything goes through here, which is what --dry-run stops.

set -euo pipefail

# ---- talking to the person -------------------------------------------------------------

exec 3>&1 # the person's view, also while a function's own output is being captured

say() { printf '%s\n' "$@" >&3; }

die() {
  printf '%s\n' "$@" >&2
  guide
  exit 1
}

# Where the guide speaks of what has just stopped.
guide() {
  [ -z "$GUIDE" ] || printf 'The guide to this: docs/deploy.md, step %s\n' "$GUIDE" >&2
}

# confirm QUESTION...: goes on only after a yes.
confirm() {
  local answer=""
  [ -z "$YES$DRY" ] || return 0
  [ -t 0 ] || die "$@" "This asks first, and this is no terminal: add --yes."
  say "$@"
  printf 'Type yes to go on: ' >&3
  read -r answer || answer=""
  [ "$answer" = yes ] || die "Nothing was changed."
}

step() {
  STEP=$1
  CHANGED=""
  BEGAN=$SECONDS
  if [ -n "$DRY" ]; then
    say "" "# $STEP"
  else
    printf '%-50s ' "$STEP" >&3
  fi
}

done_step() {
  local end=skipped
  [ -z "$CHANGED" ] || end="ok ($((SECONDS - BEGAN)) s)"
  [ -n "$DRY" ] || say "${1:-$end}"
  STEP=""
}

# Ends a failed step: which, why (gcloud's last error), and how to go on.
fail_step() {
  local why=${1:-}
  [ -n "$why" ] || why=$(last_error)
  say "FAILED ($((SECONDS - BEGAN)) s)"
  {
    printf '\nFailed at: %s\n%s\n' "$STEP" "$why"
    case $why in
      *[Bb]illing*)
        printf 'Link a billing account to the project: %s\n' \
          "https://console.cloud.google.com/billing/linkedaccount?project=$PROJECT"
        ;;
      *requireInvokerIam* | *"nvoker IAM check"* | *allowedPolicyMemberDomains*)
        printf '%s\n' 'A policy of your organisation forbids functions that anybody may call, and TradingView' \
          'cannot log in to Google. Its administrator can lift run.managed.requireInvokerIam for' \
          'this project; a project outside the organisation has no such policy.'
        ;;
      *PERMISSION_DENIED* | *"does not have permission"* | *"Required '"* | *"[403]"*)
        printf 'The account gcloud is logged in with lacks a right; an owner of %s has it.\n' \
          "$PROJECT"
        ;;
      *"unrecognized arguments"* | *"Invalid choice"*)
        printf 'This gcloud is too old: gcloud components update\n'
        ;;
    esac
    printf 'Then run ./deploy.sh%s again; finished steps are skipped.\n' "$GIVEN"
  } >&2
  guide
  exit 1
}

# gcloud's last ERROR and the lines that belong to it, or else its last words.
last_error() {
  awk '/^ERROR:/ { text = ""; on = 1 }
       on { text = text $0 "\n" }
       NF { last = $0 "\n" }
       END { printf "%s", on ? text : last }' "$ERR" | head -n 8
  sed -n 's/.*\(https:\/\/console[^] ]*logs[^] ]*\).*/Its log: \1/p' "$ERR" | tail -n 1
}

# ---- talking to gcloud -----------------------------------------------------------------

# quote WORD: the word as a shell would need it, in QUOTED.
quote() {
  case $1 in
    *\'*) QUOTED="'$(printf '%s' "$1" | sed "s/'/'\\\\''/g")'" ;;
    '' | *[!A-Za-z0-9_./:=,@%+-]*) QUOTED="'$1'" ;;
    *) QUOTED=$1 ;;
  esac
}

print_command() {
  local argument line=gcloud
  for argument in "$@" "--project=$PROJECT"; do
    quote "${argument/$WORK/BUILD}"
    line="$line $QUOTED"
  done
  say "$line${NOTE:-}"
}

# Runs gcloud, its output in $OUT, its messages in $ERR. What Google was told a moment ago
# (an API, an account, a right) takes minutes to be known everywhere, and until then it
# answers as if it never had been: that is waited for, up to five minutes.
attempt() {
  local tries=0
  if [ -n "$DRY" ]; then
    print_command "$@"
    : >"$OUT"
    return 0
  fi
  until gcloud "$@" "--project=$PROJECT" >"$OUT" 2>"$ERR" </dev/null; do
    [ "$tries" -lt 30 ] && on_its_way || return 1
    [ "$tries" -gt 0 ] || say "" "  waiting for Google: $ON_ITS_WAY"
    tries=$((tries + 1))
    sleep 10
  done
}

# Whether the refusal is of something that was only just asked for. A right that the
# person lacks never names one of our accounts that this run has made or given rights to.
on_its_way() {
  local text
  text=$(tr '\n' ' ' <"$ERR")
  case $text in
    *SERVICE_DISABLED* | *"has not been used in project"* | *"enabled this API recently"*)
      ON_ITS_WAY="an API switched on a moment ago is not known everywhere yet"
      ;;
    *fyers-*@*"does not exist"* | *fyers-*@*"not found"* | *"not found"*fyers-*@*)
      ON_ITS_WAY="an account made a moment ago is not known everywhere yet"
      [ -n "$MADE" ]
      ;;
    *fyers-*@*[Dd]enied* | *DENIED*fyers-*@* | *enied*fyers-*@* | \
      *fyers-*@*"does not have"* | *"ervice agent"*"does not"*)
      ON_ITS_WAY="a right given a moment ago has not arrived everywhere yet"
      [ -n "$MADE" ]
      ;;
    *) return 1 ;;
  esac
}

# A question: the answer is in FOUND.
look() {
  attempt "$@" || fail_step
  FOUND=$(cat "$OUT")
}

# Whether something is there. What cannot be read is a failure, not an absence; a name may
# hold "403" itself, so only Google's words count.
exists() {
  if [ -n "$DRY" ]; then
    print_command "$@"
    : >"$OUT"
    [ "$COMMAND" = destroy ]
    return
  fi
  if attempt "$@"; then
    return 0
  fi
  grep -qiE 'not.found|cannot find|does not exist' "$ERR" || fail_step
  return 1
}

change() {
  CHANGED=1
  attempt "$@" || fail_step
}

# The output of gcloud straight into a pipe: secrets touch no file.
piped() {
  if [ -n "$DRY" ]; then
    print_command "$@"
  else
    gcloud "$@" "--project=$PROJECT" 2>"$ERR" </dev/null
  fi
}

# The value goes through a pipe: arguments are visible to every user of the machine.
change_with_input() {
  CHANGED=1
  if [ -n "$DRY" ]; then
    NOTE=" # the value on standard input" print_command "$@"
    return
  fi
  gcloud "$@" "--project=$PROJECT" >"$OUT" 2>"$ERR" || fail_step
}

# ensure TITLE NOUN NAME... -- CREATE...: describe by name, create if absent.
ensure() {
  local noun names=()
  step "$1"
  read -r -a noun <<<"$2"
  shift 2
  while [ "$1" != -- ]; do
    names+=("$1")
    shift
  done
  shift
  if ! exists "${noun[@]}" describe "${names[@]}" --format=none; then
    change "${noun[@]}" create "${names[@]}" "$@"
  fi
  done_step
}

# drop TITLE NOUN NAME...: describe by name, delete if present.
drop() {
  local noun
  step "$1"
  read -r -a noun <<<"$2"
  shift 2
  if exists "${noun[@]}" describe "$@" --format=none; then
    change "${noun[@]}" delete "$@"
  fi
  done_step
}

# found_among NOUN LIST_ARGS...: keeps what there is of a kind in PRESENT, a name a line.
found_among() {
  local noun
  step "Looking for ${1##* }"
  read -r -a noun <<<"$1"
  shift
  PRESENT=""
  if exists "${noun[@]}" list "$@"; then
    PRESENT=$(cat "$OUT")
  fi
  done_step ok
}

# drop_present TITLE NOUN NAME ARGS...: delete it if the list just read has it.
drop_present() {
  local noun
  step "$1"
  read -r -a noun <<<"$2"
  shift 2
  if [ -n "$DRY" ] || grep -qxF -- "$1" <<<"$PRESENT"; then
    change "${noun[@]}" delete "$@"
  fi
  done_step
}

# policy NOUN NAME...: the resource whose rights the following grants are about.
policy() {
  read -r -a POLICY_NOUN <<<"$1"
  shift
  POLICY_NAME=("$@")
  look "${POLICY_NOUN[@]}" get-iam-policy "${POLICY_NAME[@]}" --format=json
  printf '%s\n' "$FOUND" >"$WORK/policy.json"
  : >"$WORK/grants"
}

# grant ROLE ACCOUNT [TITLE EXPRESSION], revoke ROLE ACCOUNT: what `settle` is to change.
grant() { printf '+\t%s\tserviceAccount:%s\t%s\t%s\n' "$1" "$2" "${3:-}" "${4:-}" >>"$WORK/grants"; }

revoke() { printf -- '-\t%s\tserviceAccount:%s\n' "$1" "$2" >>"$WORK/grants"; }

# Gives and takes back what was asked for since `policy`, in one change.
settle() {
  [ -z "$DRY" ] || tr '\t' ' ' <"$WORK/grants" | sed 's/^/#   /; s/ *$//' >&3
  rm -f "$WORK/rights.json"
  [ -n "$DRY" ] || tool rights "$WORK/policy.json" "$WORK/grants" "$WORK/rights.json"
  if [ -n "$DRY" ] || [ -f "$WORK/rights.json" ]; then
    MADE=1
    change "${POLICY_NOUN[@]}" set-iam-policy "${POLICY_NAME[@]}" "$WORK/rights.json" --format=none
  fi
}

# beside NAME COMMAND...: gcloud beside everything else, reporting into files of its own.
# A plan is printed in its order.
beside() {
  if [ -n "$DRY" ]; then
    run_beside "$@"
    return
  fi
  (run_beside "$@") &
  printf '%s %s\n' "$1" "$!" >>"$WORK/processes"
}

run_beside() {
  local OUT="$WORK/$1.out" ERR="$WORK/$1.err"
  shift
  attempt "$@"
}

# joined NAME: waits for it; a failure leaves its messages in $ERR.
joined() {
  local process
  [ -z "$DRY" ] || return 0
  process=$(awk -v name="$1" '$1 == name { found = $2 } END { print found }' "$WORK/processes")
  if ! wait "$process"; then
    cp "$WORK/$1.err" "$ERR"
    return 1
  fi
}
