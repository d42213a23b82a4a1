#!/usr/bin/env bash
#
# Puts the functions up on Google Cloud and keeps them as described here.
#
# Every step looks first and changes only what differs, so a second run changes nothing
# and a run after a failed one continues. Portable: bash 3.2 (macOS) and later.

set -euo pipefail
umask 077

# What is deployed. One worker serves `concurrency` requests in as many threads. Memory:
# master and worker with every library loaded were measured at 90 to 105 MB, building the
# symbol snapshot at up to 100 MB more; about twice that is given.
# `static` leaves through the registered address: only what sends orders needs it, and a
# cold login page behind it could hang. Rights are the least each function works with:
# Firestore role, bucket role, and whether it publishes notifications.
#
#  function        access  memory cpu conc max secs egress firestore bucket       topic
FUNCTIONS_TABLE='
   webhook         public  512Mi  1   16   3   60   static user      objectUser   publish
   auth_url        public  256Mi  1   8    2   30   direct -         objectViewer -
   generate_token  public  256Mi  1   8    2   60   direct user      objectUser   -
   refresh_token   private 256Mi  1   4    1   60   direct user      objectUser   publish
   refresh_symbols private 512Mi  1   1    1   300  direct -         objectUser   publish
   reconcile       private 256Mi  1   4    1   60   static user      objectViewer publish
   readyz          public  256Mi  1   8    2   30   direct viewer    objectViewer -
'
ALL_FUNCTIONS="webhook auth_url generate_token refresh_token refresh_symbols reconcile readyz"

# When Cloud Scheduler calls, Asia/Kolkata, Monday to Friday. A run of `reconcile` that is
# missed is followed by the next minute's, so it is not repeated; the daily ones are.
#
#  job             function         method auth    deadline retries schedule
JOBS_TABLE='
   fyers-symbols   refresh_symbols  POST   oidc    310s     3       0 8 * * 1-5
   fyers-token     refresh_token    POST   oidc    70s      3       30 8 * * 1-5
   fyers-warm      webhook          GET    none    30s      0       */5 9-15 * * 1-5
   fyers-reconcile reconcile        POST   oidc    70s      0       * 9-15 * * 1-5
'
#  job             instances schedule
WARM_TABLE='
   fyers-warm-on   1         55 8 * * 1-5
   fyers-warm-off  0         50 15 * * 1-5
'

TIME_ZONE=Asia/Kolkata
BASE_IMAGE=python312
TOPIC=fyers-alerts
NETWORK=fyers-alerts
SUBNET=fyers-alerts
SUBNET_RANGE=10.8.0.0/26
ROUTER=fyers-alerts
NAT=fyers-alerts
ADDRESS=fyers-alerts
REPOSITORY=cloud-run-source-deploy # the name gcloud gives the one it makes itself
APIS=(artifactregistry cloudbuild cloudresourcemanager cloudscheduler compute firestore
  iam pubsub run secretmanager storage)
# Known only here; env.yaml may not say otherwise.
DERIVED=(GOOGLE_CLOUD_PROJECT GCS_BUCKET_NAME NOTIFICATION_TOPIC FYERS_REDIRECT_URI
  AUTH_URL STATE_BACKEND LOCAL_STATE_DIR)
LOG_SETTINGS=(LOG_LEVEL USE_CLOUD_LOGGING CLOUD_LOG_LEVEL LOG_FILE FILE_LOG_LEVEL)

usage() {
  cat <<'HELP'
Put the functions up on Google Cloud; run it again whenever something changed.

  ./deploy.sh [OPTIONS] [COMMAND]

Commands
  address                make the network and print the two things the FYERS app asks
                         for before it has an id: the IP address and the redirect URI
  deploy [FUNCTION...]   the default: everything, or only these functions' code
  status                 what is up: services, address, schedules, the last readyz
  destroy                take everything down; asks first; keeps the data (bucket,
                         database, secrets) unless --with-data; can be repeated
  stage DIR [FUNCTION...]  only write what would be uploaded, one folder per function

Options
  --project ID       the project; default: gcloud's own (gcloud config set project ID)
  --region REGION    default asia-south1 (Mumbai, next to the exchange)
  --env-file FILE    default env.yaml: the settings; never secrets
  --no-static-ip     no network and no fixed address (FYERS takes orders only from a
                     registered one, so only if you route otherwise); what was made
                     before stays until destroy
  --no-keep-warm     do not keep one webhook instance in market hours
  --dry-run          print every gcloud command of a first run; touch nothing
  --allow-dirty      deploy the last commit although files differ from it
  --with-data        destroy: the data too
  --yes              destroy: do not ask
  -h, --help         this text
Give the same options every time; leaving one out is a change.

What it needs: gcloud (logged in, a project with billing), git, curl, Python 3.11 or 3.12.
What it asks for: FYERS_SECRET_ID, FYERS_PIN, WEBHOOK_SECRET_TOKEN (empty: one is made) and
NOTIFICATION_URL (empty: none). They go to Secret Manager and nowhere else. Without a
terminal they are taken from environment variables of the same names. To change one:
  gcloud secrets versions add FYERS_PIN --data-file=-     then ./deploy.sh deploy
Everything else is in env.yaml. What is uploaded is the last commit, not the files on disk.
The first run takes about 20 minutes, most of it seven builds.

What a month costs, roughly (list prices as known in November 2026, before tax; check
them at cloud.google.com/pricing)
  static address     $3.65   $0.005 an hour
  Cloud NAT          $0.25   $0.0014 an hour for each instance behind it, $0.045 a GiB
  kept instance      $3      idle in market hours (--no-keep-warm: $0)
  Cloud Scheduler    $0.30   six jobs, three of them free
  the rest           $0      functions, Firestore, storage, secrets and builds stay within
                             the free amounts at a few hundred alerts a month
So about $7; with --no-keep-warm about $4; with --no-static-ip (which needs no kept
instance) about $0.10.
HELP
}

# ---- talking to the person -------------------------------------------------------------

exec 3>&1 # the person's view, also while a function's own output is being captured

say() { printf '%s\n' "$@" >&3; }

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

step() {
  STEP=$1
  CHANGED=""
  if [ -n "$DRY" ]; then
    say "" "# $STEP"
  else
    printf '%-50s ' "$STEP" >&3
  fi
}

done_step() {
  local end=skipped
  [ -z "$CHANGED" ] || end=ok
  [ -n "$DRY" ] || say "${1:-$end}"
  STEP=""
}

# Ends a failed step: which, why (gcloud's last error), and how to go on.
fail_step() {
  local why=${1:-}
  [ -n "$why" ] || why=$(last_error)
  say FAILED
  {
    printf '\nFailed at: %s\n%s\n' "$STEP" "$why"
    case $why in
      *PERMISSION_DENIED* | *"does not have permission"* | *"Required '"* | *"[403]"*)
        printf 'The account gcloud is logged in with lacks a right; an owner of %s has it.\n' \
          "$PROJECT"
        ;;
      *[Bb]illing*)
        printf 'Link a billing account to the project: %s\n' \
          "https://console.cloud.google.com/billing/linkedaccount?project=$PROJECT"
        ;;
      *"unrecognized arguments"* | *"Invalid choice"*)
        printf 'This gcloud is too old: gcloud components update\n'
        ;;
    esac
    printf 'Then run ./deploy.sh%s again; finished steps are skipped.\n' "$GIVEN"
  } >&2
  exit 1
}

# gcloud's last ERROR and the lines that belong to it, or else its last words.
last_error() {
  awk '/^ERROR:/ { text = ""; on = 1 }
       on { text = text $0 "\n" }
       NF { last = $0 "\n" }
       END { printf "%s", on ? text : last }' "$WORK/err" | head -n 8
  sed -n 's/.*\(https:\/\/console[^] ]*logs[^] ]*\).*/Its log: \1/p' "$WORK/err" | tail -n 1
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

# Runs gcloud, its output in $WORK/out, its messages in $WORK/err.
attempt() {
  if [ -n "$DRY" ]; then
    print_command "$@"
    : >"$WORK/out"
    return 0
  fi
  gcloud "$@" "--project=$PROJECT" >"$WORK/out" 2>"$WORK/err" </dev/null
}

# A question: the answer is in FOUND.
look() {
  attempt "$@" || fail_step
  FOUND=$(cat "$WORK/out")
}

# Whether something is there. What cannot be read is a failure, not an absence.
exists() {
  if [ -n "$DRY" ]; then
    print_command "$@"
    : >"$WORK/out"
    [ "$COMMAND" = destroy ]
    return
  fi
  if attempt "$@"; then
    return 0
  fi
  if grep -qiE 'PERMISSION_DENIED|does not have permission|\[?403' "$WORK/err"; then
    fail_step
  fi
  grep -qiE 'not.found|cannot find|does not exist|404' "$WORK/err" || fail_step
  return 1
}

change() {
  CHANGED=1
  attempt "$@" || fail_step
}

# Rights for an account made a moment ago: it may not be known everywhere yet.
change_patiently() {
  local give_up=$((SECONDS + 60))
  CHANGED=1
  until attempt "$@"; do
    grep -qiE 'does not exist|not.found' "$WORK/err" || fail_step
    [ "$SECONDS" -lt "$give_up" ] || fail_step
    sleep 5
  done
}

# The value goes through a pipe: arguments are visible to every user of the machine.
change_with_input() {
  local value=$1
  shift
  CHANGED=1
  if [ -n "$DRY" ]; then
    NOTE=" # the value on standard input" print_command "$@"
    return
  fi
  printf '%s' "$value" |
    gcloud "$@" "--project=$PROJECT" >"$WORK/out" 2>"$WORK/err" || fail_step
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
    PRESENT=$(cat "$WORK/out")
  fi
  done_step ok
}

# drop_present TITLE NOUN NAME ARGS...: delete it if the list just read has it.
drop_present() {
  local noun
  step "$1"
  read -r -a noun <<<"$2"
  shift 2
  if [ -n "$DRY" ] || printf '%s\n' "$PRESENT" | grep -qxF "$1"; then
    change "${noun[@]}" delete "$@"
  fi
  done_step
}

# policy NOUN NAME...: the resource whose rights the following grants are about.
policy() {
  read -r -a POLICY_NOUN <<<"$1"
  shift
  POLICY_NAME=("$@")
  look "${POLICY_NOUN[@]}" get-iam-policy "${POLICY_NAME[@]}" \
    '--flatten=bindings[].members' '--format=csv[no-heading](bindings.role,bindings.members)'
  POLICY=$FOUND
}

# grant ROLE ACCOUNT: adds it unless the policy just read has it.
grant() {
  local condition=()
  if granted "$1" "$2"; then
    return
  fi
  [ "${POLICY_NOUN[0]}" != projects ] || condition=(--condition=None)
  change_patiently "${POLICY_NOUN[@]}" add-iam-policy-binding "${POLICY_NAME[@]}" \
    "--role=$1" "--member=serviceAccount:$2" ${condition[@]+"${condition[@]}"} --format=none
}

granted() {
  printf '%s\n' "$POLICY" | grep -qxF "$1,serviceAccount:$2"
}

# ---- names -----------------------------------------------------------------------------

# listed WORD LIST...: whether the word is one of the list's.
listed() {
  local item word=$1
  shift
  for item in "$@"; do
    [ "$item" != "$word" ] || return 0
  done
  return 1
}

service_name() { printf '%s' "$1" | tr _ -; }

# The address is fixed by name, number and region, so it is known before the first deploy.
service_url() { printf 'https://%s-%s.%s.run.app' "$(service_name "$1")" "$NUMBER" "$REGION"; }

account() { printf 'fyers-%s@%s.iam.gserviceaccount.com' "$(service_name "$1")" "$PROJECT"; }

# Reads a function's line of the table into variables.
describe_function() {
  read -r _ ACCESS MEMORY CPU CONCURRENCY MAX SECS EGRESS FIRESTORE OBJECTS PUBLISH \
    <<<"$(printf '%s\n' "$FUNCTIONS_TABLE" | awk -v name="$1" '$1 == name')"
}

# ---- before anything is touched --------------------------------------------------------

need_tools() {
  command -v gcloud >/dev/null 2>&1 ||
    die "gcloud is missing. Install it (https://cloud.google.com/sdk/docs/install)," \
      "then: gcloud auth login"
  command -v curl >/dev/null 2>&1 || die "curl is missing; install it."
}

find_project() {
  if [ -z "$PROJECT" ]; then
    PROJECT=$(gcloud config get project 2>/dev/null </dev/null) || PROJECT=""
  fi
  if [ -z "$PROJECT" ] || [ "$PROJECT" = "(unset)" ]; then
    die "No project is chosen: --project ID, or gcloud config set project ID." \
      "A new one needs billing: https://console.cloud.google.com/projectcreate"
  fi
  BUCKET="$PROJECT-fyers-alerts"
}

# The number is part of every address. The first call that needs a login.
find_number() {
  if [ -n "$DRY" ]; then
    NUMBER=PROJECT_NUMBER
    attempt projects describe "$PROJECT" '--format=value(projectNumber)'
    return
  fi
  if ! attempt projects describe "$PROJECT" '--format=value(projectNumber)'; then
    if grep -qiE 'active account|auth login|reauth|invalid_grant' "$WORK/err"; then
      die "gcloud is not logged in: gcloud auth login"
    fi
    die "The project $PROJECT cannot be read with this account:" "$(last_error)" \
      "List yours: gcloud projects list"
  fi
  NUMBER=$(cat "$WORK/out")
}

find_python() {
  local candidate
  for candidate in "$HERE/.venv/bin/python" python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      PYTHON=$candidate
      return
    fi
  done
  die "Python 3.11 or 3.12 is missing; install it (the settings table is read with it)."
}

# Unpacks the last commit: what is deployed is what is committed, and nothing on the disk
# (caches, secrets) rides along.
unpack_commit() {
  local differing
  command -v git >/dev/null 2>&1 || die "git is missing; install it."
  git -C "$HERE" rev-parse -q --verify HEAD >/dev/null 2>&1 ||
    die "This folder has no commit; deploy.sh uploads the last commit of a clone."
  differing=$(git -C "$HERE" status --porcelain -- functions shared requirements.txt)
  if [ -n "$differing" ] && [ -z "$ALLOW_DIRTY" ] && [ -z "$DRY" ]; then
    die "These files differ from the last commit, which is what would be deployed:" \
      "$differing" "Commit them, or deploy the last commit anyway: --allow-dirty"
  fi
  mkdir "$WORK/tree"
  git -C "$HERE" archive HEAD functions shared requirements.txt | tar -xf - -C "$WORK/tree"
}

# ---- staging ---------------------------------------------------------------------------

# stage DIR FUNCTION: main.py, shared/ and requirements.txt, and nothing else.
stage() {
  local target="$1/$2"
  [ -f "$WORK/tree/functions/$2/main.py" ] ||
    die "functions/$2/main.py is not in the last commit."
  mkdir -p "$target"
  cp "$WORK/tree/functions/$2/main.py" "$WORK/tree/requirements.txt" "$target/"
  cp -R "$WORK/tree/shared" "$target/shared"
}

# ---- settings --------------------------------------------------------------------------

# Keeps what each function needs, from the table the code itself reads: a file for each in
# $WORK/needs with lines of `env NAME`, `secret NAME` or `optional-secret NAME`.
read_needs() {
  local function
  mkdir "$WORK/needs"
  for function in $ALL_FUNCTIONS; do
    (cd "$WORK/tree" && "$PYTHON" -B -m shared.config "$function") >"$WORK/needs/$function"
  done
  SECRETS=$(sed -n 's/^.*secret //p' "$WORK"/needs/* | sort -u | tr '\n' ' ')
}

known_settings() {
  (cd "$WORK/tree" && "$PYTHON" -B -c 'import dataclasses, shared.config
for field in dataclasses.fields(shared.config.Settings): print(field.name.upper())')
  printf '%s\n' "${LOG_SETTINGS[@]}"
}

# Checks the settings file and keeps its non-empty values in $WORK/settings.
read_settings() {
  local name problem
  [ -f "$ENV_FILE" ] || die "$ENV_FILE is missing; --env-file names another."
  problem=$(awk '{ sub(/\r$/, "") }
    /^[ \t]*(#.*)?$/ { next }
    /^[A-Z][A-Z0-9_]*: "[^"\\]*"[ \t]*(#.*)?$/ { next }
    { print NR; exit }' "$ENV_FILE")
  [ -z "$problem" ] ||
    die "$ENV_FILE, line $problem: every line must read  NAME: \"value\"" \
      "(in double quotes, without quotes or backslashes inside)."
  awk -F'"' '/^[A-Z]/ && $2 != "" { print $1 "\"" $2 "\"" }' "$ENV_FILE" >"$WORK/settings"

  known_settings >"$WORK/known"
  while read -r name; do
    grep -qxF "$name" "$WORK/known" || die "$ENV_FILE: there is no setting $name."
    if listed "$name" "${DERIVED[@]}"; then
      die "$ENV_FILE: $name is set by deploy.sh itself; remove it."
    fi
    case " $SECRETS FYERS_AUTH_CODE " in
      *" $name "*)
        die "$ENV_FILE: $name is a secret and does not belong into a file; remove it." \
          "deploy.sh asks for what it needs and keeps it in Secret Manager."
        ;;
    esac
  done <<<"$(sed -n 's/^\([A-Z][A-Z0-9_]*\): .*/\1/p' "$ENV_FILE")"
  problem=$(sed 's/: .*//' "$WORK/settings" | sort | uniq -d)
  [ -z "$problem" ] || die "$ENV_FILE names this twice:" "$problem"
}

setting() {
  sed -n "s/^$1: \"\(.*\)\"\$/\1/p" "$WORK/settings"
}

# Every required value that only the owner knows must be there before anything is made.
require_settings() {
  local function kind name missing=()
  for function in $CHOSEN; do
    while read -r kind name; do
      if [ "$kind" = env ] && ! listed "$name" "${DERIVED[@]}" \
        ${missing[@]+"${missing[@]}"} && [ -z "$(setting "$name")" ]; then
        missing+=("$name")
      fi
    done <"$WORK/needs/$function"
  done
  [ ${#missing[@]} -eq 0 ] || die "$ENV_FILE needs a value for: ${missing[*]}"
}

# Writes the environment of one function.
write_environment() {
  {
    cat "$WORK/settings"
    printf '%s: "%s"\n' \
      GOOGLE_CLOUD_PROJECT "$PROJECT" \
      GCS_BUCKET_NAME "$BUCKET" \
      FYERS_REDIRECT_URI "$(service_url generate_token)" \
      AUTH_URL "$(service_url auth_url)" \
      THREADS "$CONCURRENCY"
    [ "$PUBLISH" != publish ] || printf 'NOTIFICATION_TOPIC: "%s"\n' "$TOPIC"
  } >"$1"
}

# ---- secrets ---------------------------------------------------------------------------

# Asks for a secret's value into ANSWER; empty is allowed where it can be made or left out.
ask_secret() {
  local name=$1 hint=""
  ANSWER=""
  case $name in
    WEBHOOK_SECRET_TOKEN) hint=" (empty: one is made)" ;;
    NOTIFICATION_URL) hint=" (empty: none)" ;;
  esac
  if [ -n "$DRY" ]; then
    return
  elif [ -t 0 ]; then
    stty -echo # before the question: `read -s` would show what is typed too early
    UNSEEN=1
    while :; do
      printf '  %s%s, not shown: ' "$name" "$hint" >&3
      IFS= read -r ANSWER || die "" "No value was given."
      say ""
      [ -z "$ANSWER$hint" ] || break
    done
    stty echo
    UNSEEN=""
  else
    ANSWER=${!name:-}
    if [ -z "$ANSWER$hint" ]; then
      die "$name is not stored yet and this is no terminal to ask on: set it in the" \
        "environment for this one run, or run ./deploy.sh in a terminal."
    fi
  fi
  if [ -z "$ANSWER" ] && [ "$name" = WEBHOOK_SECRET_TOKEN ]; then
    ANSWER=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  fi
}

# Pins each secret's newest version in $WORK/versions, asking for those not yet stored.
# NOTIFICATION_URL without a version is the owner's "none" and is not asked again.
store_secrets() {
  local name present
  step "Secrets known to Secret Manager"
  look secrets list '--format=value(name)'
  present=$FOUND
  done_step ok
  : >"$WORK/versions"
  for name in $SECRETS; do
    if ! printf '%s\n' "$present" | sed 's/.*\///' | grep -qxF "$name"; then
      ask_secret "$name"
      step "Secret $name"
      change secrets create "$name" --replication-policy=automatic
      add_version "$name"
    else
      step "Secret $name"
      newest_version "$name"
      if [ -z "$FOUND" ] && [ "$name" != NOTIFICATION_URL ]; then
        say "" # a run that ended between making it and storing its value
        ask_secret "$name"
        step "Secret $name"
        add_version "$name"
      fi
    fi
    if [ -n "$FOUND" ]; then
      printf '%s %s\n' "$name" "${FOUND##*/}" >>"$WORK/versions"
    fi
    done_step
  done
}

newest_version() {
  look secrets versions list "$1" --filter=state=ENABLED --sort-by=~createTime --limit=1 \
    '--format=value(name)'
}

add_version() {
  FOUND=""
  if [ -n "$DRY" ] || [ -n "$ANSWER" ]; then
    change_with_input "$ANSWER" secrets versions add "$1" --data-file=- '--format=value(name)'
    FOUND=$(cat "$WORK/out")
    [ -z "$DRY" ] || FOUND=VERSION
  fi
  ANSWER=""
}

# Prints a function's secrets as --set-secrets wants them, pinned: an instance reads them
# once at its start, so "latest" would differ between instances.
secret_flags() {
  local kind name version flags=""
  while read -r kind name; do
    case $kind in
      *secret)
        version=$(awk -v name="$name" '$1 == name { print $2 }' "$WORK/versions")
        [ -z "$version" ] || flags="$flags,$name=$name:$version"
        ;;
    esac
  done <"$WORK/needs/$1"
  if [ -n "$flags" ]; then
    printf -- '--set-secrets=%s' "${flags#,}"
  else
    printf -- '--clear-secrets'
  fi
}

# ---- what the functions stand on -------------------------------------------------------

enable_apis() {
  local api missing=()
  step "Google Cloud APIs"
  look services list --enabled '--format=value(config.name)'
  for api in "${APIS[@]}"; do
    printf '%s\n' "$FOUND" | grep -qxF "$api.googleapis.com" ||
      missing+=("$api.googleapis.com")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    change services enable "${missing[@]}"
  fi
  done_step
}

make_accounts() {
  local name present
  step "Service accounts"
  look iam service-accounts list '--format=value(email)'
  present=$FOUND
  for name in $ALL_FUNCTIONS scheduler builder keep-warm; do
    name=$(service_name "$name")
    if ! printf '%s\n' "$present" | grep -qxF "$(account "$name")"; then
      change iam service-accounts create "fyers-$name" "--display-name=FYERS alerts: $name"
    fi
  done
  done_step
}

make_network() {
  ensure "Network" "compute networks" "$NETWORK" -- --subnet-mode=custom
  ensure "Subnet" "compute networks subnets" "$SUBNET" "--region=$REGION" -- \
    "--network=$NETWORK" "--range=$SUBNET_RANGE" --enable-private-ip-google-access
  ensure "Fixed IP address" "compute addresses" "$ADDRESS" "--region=$REGION" --
  ensure "Router" "compute routers" "$ROUTER" "--region=$REGION" -- "--network=$NETWORK"
  ensure "Cloud NAT" "compute routers nats" "$NAT" "--router=$ROUTER" "--region=$REGION" -- \
    "--nat-external-ip-pool=$ADDRESS" "--nat-custom-subnet-ip-ranges=$SUBNET"
}

find_address() {
  look compute addresses describe "$ADDRESS" "--region=$REGION" '--format=value(address)'
  IP=$FOUND
  [ -z "$DRY" ] || IP=IP_ADDRESS
}

# Tokens are in it: never public, and nothing deleted or overwritten outlives three days.
make_bucket() {
  ensure "Bucket $BUCKET" "storage buckets" "gs://$BUCKET" -- "--location=$REGION" \
    --uniform-bucket-level-access --public-access-prevention --soft-delete-duration=0
  step "Bucket versioning and clean-up"
  look storage buckets describe "gs://$BUCKET" \
    '--format=value(versioning_enabled,lifecycle_config.rule.len())'
  if [ "$FOUND" != "True	1" ]; then
    printf '%s\n' '{"rule": [{"action": {"type": "Delete"},' \
      '"condition": {"isLive": false, "daysSinceNoncurrentTime": 3}}]}' >"$WORK/lifecycle.json"
    change storage buckets update "gs://$BUCKET" --versioning \
      "--lifecycle-file=$WORK/lifecycle.json" --format=none
  fi
  done_step
}

make_database() {
  local group
  step "Firestore database $DATABASE"
  if ! exists firestore databases describe "--database=$DATABASE" '--format=value(type)'; then
    change firestore databases create "--database=$DATABASE" "--location=$REGION" \
      --type=firestore-native --format=none
  elif [ "$(cat "$WORK/out")" = DATASTORE_MODE ]; then
    fail_step "It is in Datastore mode, which has no Firestore in it. Name another one in
$ENV_FILE, such as  FIRESTORE_DATABASE: \"fyers-alerts\""
  fi
  done_step
  step "Firestore expiry of alerts and once"
  look firestore fields ttls list "--database=$DATABASE" '--format=value(name)'
  for group in alerts once; do
    if ! printf '%s\n' "$FOUND" | grep -q "/$group/fields/expires_at\$"; then
      change firestore fields ttls update expires_at "--collection-group=$group" \
        "--database=$DATABASE" --enable-ttl --async --format=none
    fi
  done
  done_step
}

# Images of old builds would be paid for for ever.
make_repository() {
  ensure "Artifact Registry" "artifacts repositories" "$REPOSITORY" "--location=$REGION" -- \
    --repository-format=docker
  step "Artifact Registry clean-up"
  look artifacts repositories describe "$REPOSITORY" "--location=$REGION" \
    '--format=value(cleanupPolicies.list())'
  if [ -z "$FOUND" ]; then
    printf '%s\n' '[{"name": "old", "action": {"type": "Delete"},' \
      '"condition": {"olderThan": "7d"}},' \
      '{"name": "newest", "action": {"type": "Keep"},' \
      '"mostRecentVersions": {"keepCount": 2}}]' >"$WORK/cleanup.json"
    change artifacts repositories set-cleanup-policies "$REPOSITORY" "--location=$REGION" \
      "--policy=$WORK/cleanup.json" --no-dry-run --format=none
  fi
  done_step
}

grant_rights() {
  local function name
  step "Rights in the project"
  policy projects "$PROJECT"
  grant roles/run.builder "$(account builder)"
  for function in $ALL_FUNCTIONS; do
    describe_function "$function"
    [ "$FIRESTORE" = - ] || grant "roles/datastore.$FIRESTORE" "$(account "$function")"
  done
  done_step

  step "Rights on the bucket"
  policy "storage buckets" "gs://$BUCKET"
  for function in $ALL_FUNCTIONS; do
    describe_function "$function"
    [ "$OBJECTS" = - ] || grant "roles/storage.$OBJECTS" "$(account "$function")"
  done
  done_step

  step "Rights on the topic"
  policy "pubsub topics" "$TOPIC"
  for function in $ALL_FUNCTIONS; do
    describe_function "$function"
    [ "$PUBLISH" = - ] || grant roles/pubsub.publisher "$(account "$function")"
  done
  done_step

  while read -r name _; do
    step "Rights on the secret $name"
    policy secrets "$name"
    for function in $ALL_FUNCTIONS; do
      if grep -q "secret $name\$" "$WORK/needs/$function"; then
        grant roles/secretmanager.secretAccessor "$(account "$function")"
      fi
    done
    done_step
  done <"$WORK/versions"
}

# ---- the functions ---------------------------------------------------------------------

# Lists what is up in $WORK/services: name, digest, last revision made, last one ready.
list_services() {
  step "Services already up"
  look run services list "--region=$REGION" '--format=csv[no-heading](metadata.name,metadata.labels.stage,status.latestCreatedRevisionName,status.latestReadyRevisionName)'
  printf '%s\n' "$FOUND" >"$WORK/services"
  done_step ok
}

is_up() {
  grep -q "^$(service_name "$1")," "$WORK/services"
}

# Puts the gcloud arguments that deploy a function into FLAGS.
deploy_flags() {
  describe_function "$1"
  write_environment "$WORK/$1.env.yaml"
  FLAGS=(run deploy "$(service_name "$1")" "--region=$REGION"
    "--source=$WORK/stage/$1" "--function=$1" "--base-image=$BASE_IMAGE"
    "--service-account=$(account "$1")"
    "--build-service-account=projects/$PROJECT/serviceAccounts/$(account builder)"
    "--env-vars-file=$WORK/$1.env.yaml" "$(secret_flags "$1")"
    "--memory=$MEMORY" "--cpu=$CPU" --cpu-boost "--concurrency=$CONCURRENCY"
    "--max-instances=$MAX" "--timeout=${SECS}s" --ingress=all --no-allow-unauthenticated)
  if [ "$ACCESS" = public ]; then
    FLAGS+=(--no-invoker-iam-check) # works where a policy forbids granting to "everybody"
  else
    FLAGS+=(--invoker-iam-check)
  fi
  if [ "$EGRESS" = static ] && [ -n "$STATIC_IP" ]; then
    FLAGS+=("--network=$NETWORK" "--subnet=$SUBNET" --vpc-egress=all-traffic)
  else
    FLAGS+=(--clear-network)
  fi
}

# What a service was made from: the committed files, its environment and its flags.
digest() {
  local flag
  {
    git -C "$HERE" rev-parse "HEAD:./functions/$1/main.py" HEAD:./shared \
      HEAD:./requirements.txt
    cat "$WORK/$1.env.yaml"
    for flag in "${FLAGS[@]}"; do
      printf '%s\n' "${flag/$WORK/BUILD}"
    done
  } | git -C "$HERE" hash-object --stdin
}

deploy_function() {
  local label
  stage "$WORK/stage" "$1"
  deploy_flags "$1"
  label=$(digest "$1")
  [ -z "$DRY" ] || label=DIGEST
  step "Function $(service_name "$1")"
  if [ -n "$DRY" ]; then
    sed 's/^/#   /' "$WORK/$1.env.yaml" >&3
  fi
  if ! awk -F, -v name="$(service_name "$1")" -v label="$label" \
    '$1 == name && $2 == label && $3 == $4 { found = 1 } END { exit !found }' \
    "$WORK/services"; then
    change "${FLAGS[@]}" "--labels=app=fyers-alerts,stage=$label" --format=none
    DEPLOYED="$DEPLOYED $1"
  fi
  done_step
}

deploy_functions() {
  local function
  list_services
  DEPLOYED=""
  for function in $CHOSEN; do
    deploy_function "$function"
  done
}

# Whether a function is there now, from before or from this run.
present() {
  case " $CHOSEN " in
    *" $1 "*) return 0 ;;
  esac
  is_up "$1"
}

grant_calls() {
  local function
  for function in $ALL_FUNCTIONS; do
    describe_function "$function"
    if [ "$ACCESS" = private ] && present "$function"; then
      step "Scheduler may call $(service_name "$function")"
      policy "run services" "$(service_name "$function")" "--region=$REGION"
      grant roles/run.invoker "$(account scheduler)"
      done_step
    fi
  done
  if [ -n "$KEEP_WARM" ] && present webhook; then
    # A change to a service needs the right to act as its account, even when that stays.
    step "Keep-warm may scale the webhook, nothing else"
    policy "run services" webhook "--region=$REGION"
    grant roles/run.developer "$(account keep-warm)"
    policy "iam service-accounts" "$(account webhook)"
    grant roles/iam.serviceAccountUser "$(account keep-warm)"
    done_step
  fi
}

# ---- the schedule ----------------------------------------------------------------------

list_jobs() {
  step "Schedules already set"
  look scheduler jobs list "--location=$REGION" '--format=csv[no-heading](name,description)'
  printf '%s\n' "$FOUND" | sed 's/.*\///' >"$WORK/jobs"
  done_step ok
}

# schedule JOB FLAGS...: its description carries a digest of the flags, so that an equal
# job is left alone and a changed one is updated.
schedule() {
  local job=$1 mark verb=create flag flags=()
  shift
  step "Schedule $job"
  mark="fyers-alerts $(printf '%s\n' "$@" | git hash-object --stdin)"
  if ! grep -qxF "$job,$mark" "$WORK/jobs"; then
    if grep -q "^$job," "$WORK/jobs"; then
      verb=update
    fi
    for flag in "$@"; do
      [ "$verb" = create ] || flag=${flag/#--headers=/--update-headers=}
      flags+=("$flag")
    done
    [ -z "$DRY" ] || mark="fyers-alerts DIGEST"
    change scheduler jobs "$verb" http "$job" "--location=$REGION" "${flags[@]}" \
      "--time-zone=$TIME_ZONE" "--description=$mark" --format=none
  fi
  done_step
}

make_jobs() {
  local job function method auth deadline retries when instances flags url
  list_jobs
  while read -r job function method auth deadline retries when; do
    [ -n "$job" ] || continue
    present "$function" || continue
    url=$(service_url "$function")
    flags=("--schedule=$when" "--uri=$url" "--http-method=$method"
      "--attempt-deadline=$deadline" "--max-retry-attempts=$retries" --min-backoff=60s)
    if [ "$auth" = oidc ]; then
      flags+=("--oidc-service-account-email=$(account scheduler)"
        "--oidc-token-audience=$url")
    fi
    schedule "$job" "${flags[@]}"
  done <<<"$JOBS_TABLE"

  # The number of kept instances belongs to the service, so changing it makes no revision.
  # It is a PATCH; gcloud cannot schedule one, so it goes as a POST that says so, which is
  # how Google's own clients send it where PATCH is not to be had.
  url="https://run.googleapis.com/v2/projects/$PROJECT/locations/$REGION/services/webhook"
  while read -r job instances when; do
    [ -n "$job" ] || continue
    if [ -n "$KEEP_WARM" ]; then
      present webhook || continue
      schedule "$job" "--schedule=$when" --http-method=POST \
        --headers=Content-Type=application/json,X-HTTP-Method-Override=PATCH \
        "--uri=$url?updateMask=scaling.minInstanceCount" \
        "--message-body={\"scaling\":{\"minInstanceCount\":$instances}}" \
        "--oauth-service-account-email=$(account keep-warm)" \
        --oauth-token-scope=https://www.googleapis.com/auth/cloud-platform \
        --attempt-deadline=60s --max-retry-attempts=5 --min-backoff=30s
    elif grep -q "^$job," "$WORK/jobs"; then
      step "Schedule $job is no longer wanted"
      change scheduler jobs delete "$job" "--location=$REGION"
      done_step
      KEPT=1
    fi
  done <<<"$WARM_TABLE"
  if [ -n "$KEPT" ] && present webhook; then
    step "No kept instance of the webhook"
    change run services update webhook "--region=$REGION" --min=0 --format=none
    done_step
  fi
}

# ---- the commands ----------------------------------------------------------------------

ask_readyz() {
  READYZ=$(curl -sS -m 20 "$(service_url readyz)" 2>&1) || true
}

symbols_are_ready() {
  printf '%s' "$READYZ" | tr -d '\n' | grep -qE '"symbols": *(\{[^}]*)?"ok"'
}

# Without a snapshot the first alert would be refused, so the daily job runs once now: by
# way of the Scheduler, which proves its right to call, too.
first_snapshot() {
  local give_up
  present readyz && present refresh_symbols || return 0
  step "Symbol snapshot"
  if [ -n "$DRY" ]; then
    change scheduler jobs run fyers-symbols "--location=$REGION"
    done_step
    return
  fi
  ask_readyz
  if ! symbols_are_ready; then
    change scheduler jobs run fyers-symbols "--location=$REGION"
    give_up=$((SECONDS + 180))
    until symbols_are_ready; do
      [ "$SECONDS" -lt "$give_up" ] ||
        fail_step "readyz still misses the symbols three minutes after refresh-symbols was
called; it says: $READYZ
What refresh-symbols wrote: gcloud run services logs read refresh-symbols --region=$REGION \
--project=$PROJECT"
      sleep 5
      ask_readyz
    done
  fi
  done_step
}

print_result() {
  say "" "readyz says (a missing token is expected before the first login):" "  $READYZ"
  say "" "Webhook for TradingView   $(service_url webhook)" \
    "Redirect URI for FYERS    $(service_url generate_token)"
  [ -z "$IP" ] || say "IP to register at FYERS   $IP"
  say "" "The alert's message (symbol, strike and quantity are yours to set):" \
    '  {"token": "<WEBHOOK_SECRET_TOKEN>", "symbol": "NIFTY", "strikeprice": 25800,' \
    '   "optionType": "CE", "expiry": "WEEKLY", "action": "SELL", "qty": 65,' \
    '   "productType": "INTRADAY", "time": "{{timenow}}"}' \
    "Its token:  gcloud secrets versions access latest --secret=WEBHOOK_SECRET_TOKEN --project=$PROJECT" \
    "" "Next: open $(service_url auth_url) and log in to FYERS."
}

begin() {
  need_tools
  find_project
  if [ -n "$DRY" ]; then
    say "# The commands of a first run in $PROJECT, $REGION. Nothing is touched."
    say "# BUILD is a folder made for the run; what is known only then is in capitals."
  else
    say "Project $PROJECT, region $REGION"
  fi
}

command_address() {
  begin
  find_number
  enable_apis
  IP=""
  if [ -n "$STATIC_IP" ]; then
    make_network
    find_address
  fi
  say "" "The FYERS app (https://myapi.fyers.in/dashboard) asks for:"
  [ -z "$IP" ] || say "  IP address     $IP"
  say "  Redirect URI   $(service_url generate_token)"
  say "" "Then put its app id into env.yaml and run ./deploy.sh deploy"
}

command_deploy() {
  begin
  find_python
  unpack_commit
  read_needs
  read_settings
  require_settings
  DATABASE=$(setting FIRESTORE_DATABASE)
  DATABASE=${DATABASE:-(default)}
  find_number
  enable_apis
  store_secrets # asks now, so that nobody has to wait for the questions
  make_accounts
  IP=""
  if [ -n "$STATIC_IP" ]; then
    make_network
    find_address
  fi
  make_bucket
  make_database
  ensure "Topic $TOPIC" "pubsub topics" "$TOPIC" --
  make_repository
  grant_rights
  deploy_functions
  grant_calls
  make_jobs
  first_snapshot
  if [ -z "$DRY" ]; then
    ask_readyz
    print_result
  fi
}

command_stage() {
  local function
  find_python
  unpack_commit
  if [ -e "$STAGE_DIR" ] && [ -n "$(ls -A "$STAGE_DIR")" ]; then
    die "$STAGE_DIR is not empty; name a new folder."
  fi
  umask 022
  for function in $CHOSEN; do
    stage "$STAGE_DIR" "$function"
    say "$STAGE_DIR/$function"
  done
}

# heading TITLE: a part of the status.
heading() {
  STEP=$1
  if [ -n "$DRY" ]; then
    say "" "# $1"
  else
    say "" "$1"
  fi
}

indented() { sed 's/^/  /' "$WORK/out" >&3; }

command_status() {
  begin
  find_number
  heading "Services"
  look run services list "--region=$REGION" --filter=metadata.labels.app=fyers-alerts \
    '--format=table[no-heading](metadata.name,status.latestReadyRevisionName,status.url)'
  indented
  heading "Registered IP address"
  if exists compute addresses describe "$ADDRESS" "--region=$REGION" \
    '--format=value(address)'; then
    indented
  elif [ -z "$DRY" ]; then
    say "  none"
  fi
  heading "Schedules: when ($TIME_ZONE), state, last run, its error code"
  look scheduler jobs list "--location=$REGION" '--filter=description:fyers-alerts' \
    '--format=table[no-heading](name.basename(),schedule,state,lastAttemptTime,status.code)'
  indented
  heading "readyz"
  if [ -z "$DRY" ]; then
    ask_readyz
    say "  $READYZ"
  fi
}

confirm_destroy() {
  local answer what="The functions, schedules, rights and the registered address go"
  if [ -n "$WITH_DATA" ]; then
    what="$what, AND the data: tokens, symbols, the alerts' records, the secrets."
  else
    what="$what; bucket, database and secrets stay (--with-data takes them too)."
  fi
  [ -z "$YES$DRY" ] || return 0
  [ -t 0 ] || die "destroy asks first, and this is no terminal: add --yes."
  say "$what" "A new address would have to be registered with FYERS again."
  printf 'Type the project id (%s) to go on: ' "$PROJECT" >&3
  read -r answer || answer=""
  [ "$answer" = "$PROJECT" ] || die "Nothing was changed."
}

destroy_jobs_and_services() {
  local job rest function
  found_among "scheduler jobs" "--location=$REGION" '--format=value(name.basename())'
  while read -r job rest; do
    [ -z "$job" ] || drop_present "Schedule $job" "scheduler jobs" "$job" "--location=$REGION"
  done <<<"$JOBS_TABLE$WARM_TABLE"
  found_among "run services" "--region=$REGION" '--format=value(metadata.name)'
  for function in $ALL_FUNCTIONS; do
    function=$(service_name "$function")
    drop_present "Function $function" "run services" "$function" "--region=$REGION"
  done
  found_among "artifacts packages" "--repository=$REPOSITORY" "--location=$REGION" \
    '--format=value(name.basename())'
  for function in $ALL_FUNCTIONS; do
    function=$(service_name "$function")
    drop_present "Images of $function" "artifacts packages" "$function" \
      "--repository=$REPOSITORY" "--location=$REGION"
  done
}

# Cloud Run holds a subnet for one to two hours after its last service.
destroy_network() {
  drop "Cloud NAT" "compute routers nats" "$NAT" "--router=$ROUTER" "--region=$REGION"
  drop "Router" "compute routers" "$ROUTER" "--region=$REGION"
  drop "Fixed IP address" "compute addresses" "$ADDRESS" "--region=$REGION"
  step "Subnet"
  if exists compute networks subnets describe "$SUBNET" "--region=$REGION" --format=none; then
    CHANGED=1
    if ! attempt compute networks subnets delete "$SUBNET" "--region=$REGION"; then
      grep -qi 'in use\|being used\|resourceInUse' "$WORK/err" || fail_step
      done_step "still in use"
      LEFT="The subnet and the network (free of charge): Cloud Run lets go of them one to two hours
after the last service. Run ./deploy.sh destroy again then."
      return
    fi
  fi
  done_step
  drop "Network" "compute networks" "$NETWORK"
}

destroy_accounts() {
  local name role
  step "Rights in the project"
  policy projects "$PROJECT"
  for name in $ALL_FUNCTIONS builder; do
    for role in roles/run.builder roles/datastore.user roles/datastore.viewer; do
      if granted "$role" "$(account "$name")"; then
        change projects remove-iam-policy-binding "$PROJECT" "--role=$role" \
          "--member=serviceAccount:$(account "$name")" --condition=None --format=none
      fi
    done
  done
  done_step
  found_among "iam service-accounts" '--format=value(email)'
  for name in $ALL_FUNCTIONS scheduler builder keep-warm; do
    drop_present "Account fyers-$(service_name "$name")" "iam service-accounts" \
      "$(account "$name")"
  done
}

# Only what is ours: the database may hold other collections.
destroy_data() {
  local name
  step "Bucket $BUCKET"
  if exists storage buckets describe "gs://$BUCKET" --format=none; then
    change storage rm --recursive "gs://$BUCKET"
  fi
  done_step
  step "Collections alerts and once"
  if exists firestore databases describe "--database=$DATABASE" --format=none; then
    change firestore bulk-delete --collection-ids=alerts,once "--database=$DATABASE"
  fi
  done_step
  found_among secrets '--format=value(name.basename())'
  for name in $SECRETS; do
    drop_present "Secret $name" secrets "$name"
  done
}

command_destroy() {
  begin
  find_python
  unpack_commit
  read_needs
  DATABASE="(default)"
  if [ -f "$ENV_FILE" ]; then
    read_settings
    DATABASE=$(setting FIRESTORE_DATABASE)
    DATABASE=${DATABASE:-(default)}
  fi
  confirm_destroy
  destroy_jobs_and_services
  destroy_network
  drop "Topic $TOPIC" "pubsub topics" "$TOPIC"
  destroy_accounts
  [ -z "$WITH_DATA" ] || destroy_data
  [ -z "$LEFT" ] || die "" "Left over: $LEFT"
}

# ---- the command line ------------------------------------------------------------------

wrong_usage() {
  printf '%s\n' "$1" "See ./deploy.sh --help" >&2
  exit 2
}

parse() {
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help)
        usage
        exit 0
        ;;
      --project | --region | --env-file)
        [ $# -ge 2 ] && [ -n "$2" ] || wrong_usage "$1 needs a value."
        case $1 in
          --project) PROJECT=$2 ;;
          --region) REGION=$2 ;;
          --env-file) ENV_FILE=$2 ;;
        esac
        shift
        ;;
      --project=*) PROJECT=${1#*=} ;;
      --region=*) REGION=${1#*=} ;;
      --env-file=*) ENV_FILE=${1#*=} ;;
      --no-static-ip) STATIC_IP="" ;;
      --no-keep-warm) KEEP_WARM="" ;;
      --dry-run) DRY=1 ;;
      --allow-dirty) ALLOW_DIRTY=1 ;;
      --with-data) WITH_DATA=1 ;;
      --yes) YES=1 ;;
      -*) wrong_usage "There is no option $1." ;;
      *) parse_word "$1" ;;
    esac
    shift
  done
  # Without the network a new instance needs no minute to reach FYERS.
  [ -n "$STATIC_IP" ] || KEEP_WARM=""
}

parse_word() {
  if [ -z "$COMMAND" ]; then
    case $1 in
      address | deploy | status | destroy | stage) COMMAND=$1 ;;
      *) wrong_usage "There is no command $1." ;;
    esac
  elif [ "$COMMAND" = stage ] && [ -z "$STAGE_DIR" ]; then
    STAGE_DIR=$1
  else
    case $COMMAND in
      deploy | stage) ;;
      *) wrong_usage "$COMMAND takes no arguments." ;;
    esac
    case " $ALL_FUNCTIONS " in
      *" $(printf '%s' "$1" | tr - _) "*) ;;
      *) wrong_usage "There is no function $1; there are: $ALL_FUNCTIONS" ;;
    esac
    CHOSEN="$CHOSEN $(printf '%s' "$1" | tr - _)"
  fi
}

clean_up() {
  [ -z "$UNSEEN" ] || stty echo
  rm -rf "$WORK"
}

main() {
  HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  PROJECT="" REGION=asia-south1 ENV_FILE="$HERE/env.yaml" STATIC_IP=1 KEEP_WARM=1
  DRY="" ALLOW_DIRTY="" WITH_DATA="" YES="" COMMAND="" CHOSEN="" STAGE_DIR=""
  STEP="" CHANGED="" FOUND="" ANSWER="" NOTE="" DEPLOYED="" KEPT="" LEFT="" IP=""
  UNSEEN="" # set while the terminal does not show what is typed
  GIVEN=${1+ $*}
  parse "$@"
  COMMAND=${COMMAND:-deploy}
  CHOSEN=${CHOSEN:-$ALL_FUNCTIONS}
  if [ "$COMMAND" = stage ] && [ -z "$STAGE_DIR" ]; then
    wrong_usage "stage needs the folder to write to."
  fi
  export CLOUDSDK_CORE_DISABLE_PROMPTS=1 # a question nobody sees would hang
  WORK=$(mktemp -d)
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  "command_$COMMAND"
}

main "$@"
