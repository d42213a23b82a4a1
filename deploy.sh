#!/usr/bin/env bash
# shellcheck disable=SC2034 # the parts in local/deploying read what is set here
#
# Puts the functions up on Google Cloud and keeps them as described here.
#
# Every step looks first and changes only what differs, so a second run changes nothing
# and a run after a failed one continues. What is read, checked or rendered is left to
# local/deploying. Portable: bash 3.2 (macOS) and later.

set -euo pipefail
umask 077

# What is deployed, for each folder of functions/. One worker serves `concurrency` requests
# in as many threads. Memory: master and worker with every library loaded were measured at
# 90 to 105 MB, building the symbol snapshot at up to 100 MB more; about twice that is
# given. The webhook is one instance: FYERS's budget of calls is shared out by that.
# `static` leaves through the registered address: only what sends orders needs it, and a
# cold login page behind it could hang. Rights are the least each function works with:
# Firestore role, role on the bucket (`symbols…`: only on the symbols in it), and whether
# it publishes notifications.
#
#  function        access  memory cpu conc max secs egress firestore bucket        topic
FUNCTIONS_TABLE='
   webhook         public  512Mi  1   64   1   15   static user      objectUser    publish
   auth_url        public  256Mi  1   8    2   30   direct -         objectViewer  -
   generate_token  public  256Mi  1   8    2   60   direct user      objectUser    -
   refresh_token   private 256Mi  1   4    1   60   direct user      objectUser    publish
   refresh_symbols private 512Mi  1   1    1   300  direct -         symbolsUser   publish
   reconcile       private 256Mi  1   4    1   60   static user      objectViewer  publish
   readyz          public  256Mi  1   8    2   30   direct viewer    objectViewer  -
   desk            public  256Mi  1   8    2   30   direct user      symbolsViewer publish
'

# When Cloud Scheduler calls, Asia/Kolkata. A run of `reconcile` that is missed is followed
# by the next minute's, so it is not repeated; the daily ones are.
#
#  job             function         method auth    deadline retries schedule
JOBS_TABLE='
   fyers-symbols   refresh_symbols  POST   oidc    310s     3       0 8 * * 1-5
   fyers-token     refresh_token    POST   oidc    70s      3       30 8 * * 1-5
   fyers-warm      webhook          GET    none    30s      0       */5 9-15 * * 1-5
   fyers-reconcile reconcile        POST   oidc    70s      0       * * * * *
'
#  job             instances schedule
WARM_TABLE='
   fyers-warm-on   1         55 8 * * 1-5
   fyers-warm-off  0         50 15 * * 1-5
'

# The field by which Firestore forgets documents, one for each collection.
EXPIRY_TABLE='
   alerts   purge_at
   once     expires_at
   lanes    expires_at
   sessions expires_at
'

TIME_ZONE=Asia/Kolkata
BASE_IMAGE=python312
TOPIC=fyers-alerts
NETWORK=fyers-alerts
SUBNET=fyers-alerts
SUBNET_RANGE=10.8.0.0/24 # Cloud Run asks for a /26 at least, and two sets while it deploys
ROUTER=fyers-alerts
NAT=fyers-alerts
ADDRESS=fyers-alerts
REPOSITORY=cloud-run-source-deploy # the name gcloud gives the one it makes itself
IMAGE_SERVICE=fyers-image          # stands for the image: what was built, and from what
ELSEWHERE=asia-east1               # some projects may build in a few regions only
WARM_ROLE=fyersKeepWarm
APIS=(artifactregistry cloudbuild cloudresourcemanager cloudscheduler compute firestore
  iam pubsub run secretmanager storage)
WATCH_APIS=(monitoring logging cloudbilling billingbudgets)
READYZ_GOOD='"symbols": *(\{[^}]*)?"ok"' # in readyz's answer when the snapshot is there
TOKEN_KEPT_DAYS=7 # how long a replaced webhook token is still taken

# ---- names -----------------------------------------------------------------------------

# listed WORD WORDS: whether it is one of them.
listed() {
  case " $2 " in
    *" $1 "*) return 0 ;;
  esac
  return 1
}

service_name() { printf '%s' "$1" | tr _ -; }

# The address is fixed by name, number and region, so it is known before the first deploy.
service_url() {
  printf 'https://%s%s-%s.%s.run.app' "${2:-}" "$(service_name "$1")" "$NUMBER" "$REGION"
}

account() { printf 'fyers-%s@%s.iam.gserviceaccount.com' "$(service_name "$1")" "$PROJECT"; }

# The functions of the table that this tree has.
find_functions() {
  local name
  ALL_FUNCTIONS=""
  while read -r name _; do
    [ -z "$name" ] || [ ! -f "$HERE/functions/$name/main.py" ] ||
      ALL_FUNCTIONS="$ALL_FUNCTIONS $name"
  done <<<"$FUNCTIONS_TABLE"
  ALL_FUNCTIONS=${ALL_FUNCTIONS# }
}

# Reads a function's line of the table into variables.
describe_function() {
  read -r _ ACCESS MEMORY CPU CONCURRENCY MAX SECS EGRESS FIRESTORE OBJECTS PUBLISH \
    <<<"$(printf '%s\n' "$FUNCTIONS_TABLE" | awk -v name="$1" '$1 == name')"
}

# ---- before anything is touched --------------------------------------------------------

need_tools() {
  GUIDE=1
  command -v gcloud >/dev/null 2>&1 ||
    die "gcloud is missing. Install it (https://cloud.google.com/sdk/docs/install)," \
      "then: gcloud auth login"
  command -v curl >/dev/null 2>&1 || die "curl is missing; install it."
}

find_project() {
  GUIDE=2
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
  GUIDE=2
  if [ -n "$DRY" ]; then
    NUMBER=PROJECT_NUMBER
    attempt projects describe "$PROJECT" '--format=value(projectNumber)'
    return
  fi
  if ! attempt projects describe "$PROJECT" '--format=value(projectNumber)'; then
    if grep -qiE 'active account|auth login|reauth|invalid_grant' "$ERR"; then
      die "gcloud is not logged in: gcloud auth login"
    fi
    die "The project $PROJECT cannot be read with this account:" "$(last_error)" \
      "List yours: gcloud projects list"
  fi
  NUMBER=$(cat "$OUT")
}

# The options that were chosen are labels of the bucket, which every region shares.
recall() {
  local region="" static="" warm=""
  step "Options chosen before"
  if exists storage buckets describe "gs://$BUCKET" '--format=csv[no-heading](labels.fyers_region,labels.fyers_static_ip,labels.fyers_keep_warm)'; then
    IFS=, read -r region static warm <"$OUT" || true
  fi
  KNOWN_OPTIONS="$region,$static,$warm"
  done_step ok
  if [ -n "$region" ] && [ "$region" != "${REGION:-$region}" ] &&
    { [ "$COMMAND" = deploy ] || [ "$COMMAND" = address ]; }; then
    confirm "The functions are up in $region. In $REGION all of them are made a second time, with" \
      "another address to register at FYERS and other web addresses; both would act on" \
      "alerts. To move: ./deploy.sh destroy --region $region first."
  fi
  REGION=${REGION:-${region:-asia-south1}}
  STATIC_IP=${STATIC_IP:-${static:-yes}}
  KEEP_WARM=${KEEP_WARM:-${warm:-yes}}
  [ "$STATIC_IP" = yes ] || STATIC_IP=""
  # Without the network a new instance needs no minute to reach FYERS.
  [ "$KEEP_WARM$STATIC_IP" = yesyes ] || KEEP_WARM=""
}

remember() {
  local options="$REGION,${STATIC_IP:-no},${KEEP_WARM:-no}"
  step "Options chosen are remembered"
  if [ "$options" != "$KNOWN_OPTIONS" ]; then
    change storage buckets update "gs://$BUCKET" --format=none \
      "--update-labels=fyers_region=$REGION,fyers_static_ip=${STATIC_IP:-no},fyers_keep_warm=${KEEP_WARM:-no}"
  fi
  done_step
}

find_python() {
  local candidate
  GUIDE=1
  for candidate in "$HERE/.venv/bin/python" python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      PYTHON=$candidate
      return
    fi
  done
  die "Python 3.11 or 3.12 is missing; install it (settings are checked with it)."
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

# stage DIR FUNCTION...: main.py, those functions, shared/ and requirements.txt.
stage() {
  local target=$1 tree="$WORK/tree" function
  shift
  mkdir -p "$target/functions"
  cp "$tree/functions/main.py" "$tree/requirements.txt" "$target/"
  cp "$tree/functions/__init__.py" "$target/functions/"
  cp -R "$tree/shared" "$target/shared"
  for function in "$@"; do
    [ -f "$tree/functions/$function/main.py" ] ||
      die "functions/$function/main.py is not in the last commit."
    cp -R "$tree/functions/$function" "$target/functions/$function"
  done
}

# ---- settings and secrets --------------------------------------------------------------

# tool MODULE ARGUMENTS...: one of local/deploying, with the committed settings parser.
tool() {
  local module=$1
  shift
  (cd "$WORK/tree" && PYTHONPATH="$HERE" "$PYTHON" -B -m "local.deploying.$module" "$@")
}

# Checks the settings file with the functions' own parser and keeps its values in
# $WORK/settings; keeps what each function needs in $WORK/needs.
read_settings() {
  find_python
  unpack_commit
  GUIDE=5
  if [ "$COMMAND" = destroy ] && [ ! -f "$ENV_FILE" ]; then
    : >"$WORK/settings"
    tool settings needs - "$WORK"
  else
    # shellcheck disable=SC2086 # a list of names
    tool settings file "$ENV_FILE" "$WORK" $ALL_FUNCTIONS >"$WORK/warnings" || die
    sed '/^$/d' "$WORK/warnings" >&2
  fi
  SECRETS=$(sed -n 's/^.*secret //p' "$WORK"/needs/* | sort -u | tr '\n' ' ')
  DATABASE=$(setting FIRESTORE_DATABASE)
  DATABASE=${DATABASE:-(default)}
  SYMBOLS=$(setting GCS_SYMBOLS_FILE)
  SYMBOLS=${SYMBOLS:-symbols/}
  SYMBOLS=${SYMBOLS%/*}/
}

setting() {
  sed -n "s/^$1: \"\(.*\)\"\$/\1/p" "$WORK/settings"
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
      FUNCTION_TARGET "$1" \
      THREADS "$CONCURRENCY"
    ! listed desk "$ALL_FUNCTIONS" ||
      printf '%s: "%s"\n' DESK_URL "$(service_url desk)" WEBHOOK_URL "$(service_url webhook)"
    [ "$PUBLISH" != publish ] || printf 'NOTIFICATION_TOPIC: "%s"\n' "$TOPIC"
    if [ -n "$OLD_UNTIL" ] && grep -q WEBHOOK_SECRET_TOKEN_OLD "$WORK/needs/$1"; then
      printf 'WEBHOOK_SECRET_TOKEN_OLD_UNTIL: "%s"\n' "$OLD_UNTIL"
    fi
  } >"$2"
}

# Asks for a secret's value into ANSWER until the functions would take it.
ask_secret() {
  ANSWER=""
  [ -n "$DRY" ] || ANSWER=$(tool ask "$1") || die
}

# Pins each secret's newest version in $WORK/versions, asking for those not yet stored.
# An optional one without a version is the owner's "none" and is not asked again; the
# webhook token of before is never asked for, and dropped when its time is over.
store_secrets() {
  local name present
  GUIDE=6
  step "Secrets known to Secret Manager"
  look secrets list '--format=csv[no-heading](name,labels.until)'
  present=$(printf '%s\n' "$FOUND" | sed 's/.*\///')
  done_step ok
  : >"$WORK/versions"
  for name in $SECRETS; do
    case $name in
      *_OLD)
        old_until "$(printf '%s\n' "$present" | sed -n "s/^$name,//p")"
        [ -n "$OLD_UNTIL" ] || continue
        ;;
    esac
    FOUND=""
    if ! grep -q "^$name," <<<"$present"; then
      ask_secret "$name"
      step "Secret $name"
      create_secret "$name"
    else
      step "Secret $name"
      newest_version "$name"
      if [ -z "$FOUND" ] && ! grep -q "optional-secret $name" "$WORK"/needs/*; then
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

# old_until SECONDS: the time until which the token of before is valid, in OLD_UNTIL.
old_until() {
  [ -z "$1" ] || OLD_UNTIL=$(tool settings instant "$1")
}

# Makes the secret of ANSWER, with its first version if there is a value.
create_secret() {
  FOUND=""
  if [ -n "$ANSWER$DRY" ]; then
    printf '%s' "$ANSWER" |
      change_with_input secrets create "$1" --replication-policy=automatic --data-file=-
    FOUND=${DRY:+VERSION}
    FOUND=${FOUND:-1}
  else
    change secrets create "$1" --replication-policy=automatic
  fi
  CHANGED=1
  ANSWER=""
}

newest_version() {
  look secrets versions list "$1" --filter=state=ENABLED --sort-by=~createTime --limit=1 \
    '--format=value(name)'
}

add_version() {
  FOUND=""
  if [ -n "$DRY" ] || [ -n "$ANSWER" ]; then
    printf '%s' "$ANSWER" |
      change_with_input secrets versions add "$1" --data-file=- '--format=value(name)'
    FOUND=$(cat "$OUT")
    [ -z "$DRY" ] || FOUND=VERSION
    CHANGED=1
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
  GUIDE=2
  [ -z "$ALERT_EMAIL" ] || APIS+=("${WATCH_APIS[@]}")
  step "Google Cloud APIs"
  look services list --enabled '--format=value(config.name)'
  for api in "${APIS[@]}"; do
    grep -qxF "$api.googleapis.com" <<<"$FOUND" ||
      missing+=("$api.googleapis.com")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    change services enable "${missing[@]}"
  fi
  done_step
}

make_accounts() {
  local name present new=""
  step "Service accounts"
  look iam service-accounts list '--format=value(email)'
  present=$FOUND
  for name in $ALL_FUNCTIONS scheduler builder keep-warm; do
    name=$(service_name "$name")
    if ! grep -qxF "$(account "$name")" <<<"$present"; then
      MADE=1 CHANGED=1 new="$new fyers-$name"
      beside "fyers-$name" iam service-accounts create "fyers-$name" "--display-name=FYERS alerts: $name"
    fi
  done
  for name in $new; do
    joined "$name" || fail_step
  done
  done_step
}

make_network() {
  ensure "Network" "compute networks" "$NETWORK" -- --subnet-mode=custom
  step "Subnet"
  if ! exists compute networks subnets describe "$SUBNET" "--region=$REGION" \
    '--format=value(ipCidrRange)'; then
    change compute networks subnets create "$SUBNET" "--region=$REGION" \
      "--network=$NETWORK" "--range=$SUBNET_RANGE" --enable-private-ip-google-access
  elif [ "$(cat "$OUT")" = "${SUBNET_RANGE%/*}/26" ]; then # as it was made once
    change compute networks subnets expand-ip-range "$SUBNET" "--region=$REGION" \
      "--prefix-length=${SUBNET_RANGE#*/}"
  fi
  done_step
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
  local group field
  step "Firestore database $DATABASE"
  if ! exists firestore databases describe "--database=$DATABASE" '--format=value(type)'; then
    change firestore databases create "--database=$DATABASE" "--location=$REGION" \
      --type=firestore-native --format=none
  elif [ "$(cat "$OUT")" = DATASTORE_MODE ]; then
    fail_step "It is in Datastore mode, which has no Firestore in it. Name another one in
$ENV_FILE, such as  FIRESTORE_DATABASE: \"fyers-alerts\""
  fi
  done_step
  step "Firestore forgets old documents"
  look firestore fields ttls list "--database=$DATABASE" '--format=value(name)'
  # A collection has one such field; records of alerts had another one once.
  if grep -q '/alerts/fields/expires_at$' <<<"$FOUND"; then
    change firestore fields ttls update expires_at --collection-group=alerts \
      "--database=$DATABASE" --disable-ttl --format=none
  fi
  while read -r group field; do
    if [ -n "$group" ] && ! grep -q "/$group/fields/$field\$" <<<"$FOUND"; then
      change firestore fields ttls update "$field" "--collection-group=$group" \
        "--database=$DATABASE" --enable-ttl --async --format=none
    fi
  done <<<"$EXPIRY_TABLE"
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
  step "The builder may write images there"
  policy "artifacts repositories" "$REPOSITORY" "--location=$REGION"
  grant roles/artifactregistry.writer "$(account builder)"
  settle
  done_step
}

grant_rights() {
  local function name symbols
  step "Rights in the project"
  policy projects "$PROJECT"
  revoke roles/run.builder "$(account builder)" # it reads every bucket of the project
  grant roles/logging.logWriter "$(account builder)"
  for function in $ALL_FUNCTIONS; do
    describe_function "$function"
    [ "$FIRESTORE" = - ] || grant "roles/datastore.$FIRESTORE" "$(account "$function")"
  done
  settle
  done_step

  step "Rights on the bucket"
  policy "storage buckets" "gs://$BUCKET"
  symbols="resource.name.startsWith(\"projects/_/buckets/$BUCKET/objects/$SYMBOLS\")"
  for function in $ALL_FUNCTIONS; do
    describe_function "$function"
    name=$(account "$function")
    case $OBJECTS in
      -) ;;
      symbols*)
        revoke roles/storage.objectUser "$name"
        # Without the list of names a missing object would look like a missing right.
        grant roles/storage.legacyBucketReader "$name"
        grant "roles/storage.object${OBJECTS#symbols}" "$name" symbols "$symbols"
        ;;
      *) grant "roles/storage.$OBJECTS" "$name" ;;
    esac
  done
  settle
  done_step

  step "Rights on the topic"
  policy "pubsub topics" "$TOPIC"
  for function in $ALL_FUNCTIONS; do
    describe_function "$function"
    [ "$PUBLISH" = - ] || grant roles/pubsub.publisher "$(account "$function")"
  done
  settle
  done_step

  while read -r name _; do
    step "Rights on the secret $name"
    policy secrets "$name"
    for function in $ALL_FUNCTIONS; do
      if grep -q "secret $name\$" "$WORK/needs/$function"; then
        grant roles/secretmanager.secretAccessor "$(account "$function")"
      fi
    done
    settle
    done_step
  done <"$WORK/versions"
}

# ---- the image -------------------------------------------------------------------------

# Finds the image that holds the last commit, or begins to build it. One image serves all
# functions, so that everything is deployed in one build's time; that Cloud Run built it
# from source keeps Google's automatic updates of its base. A service nobody may call
# stands for it: it shows that the image starts, and its label says what is in it.
start_image() {
  local place where=$REGION code image ready found=""
  CODE=$(git -C "$HERE" rev-parse HEAD:functions HEAD:shared HEAD:requirements.txt |
    git -C "$HERE" hash-object --stdin)
  [ -z "$DRY" ] || CODE=CODE
  step "Image of the code"
  for place in "$REGION" "$ELSEWHERE"; do
    if exists run services describe "$IMAGE_SERVICE" "--region=$place" '--format=csv[no-heading](metadata.labels.code,spec.template.spec.containers[0].image,status.conditions[0].status)'; then
      where=$place
      IFS=, read -r code image ready <"$OUT"
      if [ "$ready" = True ]; then
        IMAGE=$image
        [ "$code" != "$CODE" ] || found=1
      fi
    fi
    [ -z "$found" ] || break
  done
  if [ -n "$found" ] || { [ "$COMMAND" = secret ] && [ -n "$IMAGE" ]; }; then
    done_step
  else
    done_step "to be built"
    # shellcheck disable=SC2086 # a list of names
    stage "$WORK/stage" $ALL_FUNCTIONS
    build_image "$where"
  fi
}

build_image() {
  local how=(beside image)
  BUILDING=$1
  allow_builds "$1"
  step "Build in $1"
  BUILD_BEGAN=$SECONDS
  CHANGED=1
  if [ -n "$DRY" ]; then
    how=(attempt)
  fi
  "${how[@]}" run deploy "$IMAGE_SERVICE" "--region=$1" \
    "--source=$WORK/stage" --function=readyz "--base-image=$BASE_IMAGE" \
    "--image=$REGION-docker.pkg.dev/$PROJECT/$REPOSITORY/$IMAGE_SERVICE" \
    "--service-account=$(account builder)" \
    "--build-service-account=projects/$PROJECT/serviceAccounts/$(account builder)" \
    --memory=512Mi --max-instances=1 --ingress=internal --no-allow-unauthenticated \
    "--labels=app=$IMAGE_SERVICE,code=$CODE" --format=none
  done_step begun
}

# Waits for the build, if there is one. Some projects may build in a few regions only, which
# Google says when one is asked for elsewhere.
finish_image() {
  [ -n "$BUILDING" ] || return 0
  step "The image is built"
  BEGAN=$BUILD_BEGAN
  if [ -z "$DRY" ] && ! joined image; then
    if [ "$BUILDING" = "$ELSEWHERE" ] || ! grep -qiE \
      'concurrent builds quota|quota restrictions|restricted.*region|region.*restricted' "$ERR"; then
      fail_step
    fi
    done_step "not allowed"
    say "  Google lets this project build in a few regions only, $REGION is none; next: $ELSEWHERE"
    build_image "$ELSEWHERE"
    finish_image
    return
  fi
  CHANGED=1
  look run services describe "$IMAGE_SERVICE" "--region=$BUILDING" \
    '--format=value(spec.template.spec.containers[0].image)'
  IMAGE=$FOUND
  [ -z "$DRY" ] || IMAGE=IMAGE
  BUILDING=""
  done_step
}

# gcloud uploads what is built into a bucket of this name.
allow_builds() {
  local bucket="gs://run-sources-$PROJECT-$1"
  printf '%s\n' '{"rule": [{"action": {"type": "Delete"}, "condition": {"age": 7}}]}' \
    >"$WORK/uploads.json"
  ensure "Bucket of uploads" "storage buckets" "$bucket" -- "--location=$1" \
    --uniform-bucket-level-access --public-access-prevention \
    "--lifecycle-file=$WORK/uploads.json"
  step "The builder may read the uploads"
  policy "storage buckets" "$bucket"
  grant roles/storage.objectViewer "$(account builder)"
  settle
  done_step
}

# ---- the functions ---------------------------------------------------------------------

# Lists what is up in $WORK/services: name, digest, last revision made, last one ready, and
# the revision to which the traffic is pinned, if any.
list_services() {
  step "Services already up"
  look run services list "--region=$REGION" '--format=csv[no-heading](metadata.name,metadata.labels.stage,status.latestCreatedRevisionName,status.latestReadyRevisionName,spec.traffic[0].revisionName)'
  printf '%s\n' "$FOUND" >"$WORK/services"
  done_step ok
}

is_up() {
  grep -q "^$(service_name "$1")," "$WORK/services"
}

# Whether its newest revision waits for the traffic.
is_held_back() {
  awk -F, -v name="$(service_name "$1")" '$1 == name && $5 != "" { found = 1 }
    END { exit !found }' "$WORK/services"
}

# Puts the gcloud arguments that deploy a function into FLAGS, and the digest of what it is
# made from into LABEL.
deploy_flags() {
  local flag
  describe_function "$1"
  write_environment "$1" "$WORK/$1.env.yaml"
  FLAGS=(run deploy "$(service_name "$1")" "--region=$REGION"
    "--image=$IMAGE" "--base-image=$BASE_IMAGE"
    "--service-account=$(account "$1")"
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
  LABEL=$({
    cat "$WORK/$1.env.yaml"
    for flag in "${FLAGS[@]}"; do
      printf '%s\n' "${flag/$WORK/BUILD}"
    done
  } | git -C "$HERE" hash-object --stdin)
  [ -z "$DRY" ] || LABEL=DIGEST
  FLAGS+=("--labels=app=fyers-alerts,stage=$LABEL" --format=none)
  # A revision that others call gets the traffic only after it has answered. One that only
  # Scheduler calls gets it from Cloud Run as soon as it has started.
  if [ "$ACCESS" = public ] && is_up "$1"; then
    FLAGS+=(--no-traffic --tag=next)
  fi
}

# Whether the service is already made from exactly this.
is_current() {
  awk -F, -v name="$(service_name "$1")" -v label="$LABEL" \
    '$1 == name && $2 == label && $3 == $4 { found = 1 } END { exit !found }' \
    "$WORK/services"
}

# Deploys side by side what differs; each reports into files of its own.
deploy_functions() {
  local function began=$SECONDS failed=""
  GUIDE=6
  list_services
  DEPLOYED=""
  for function in $CHOSEN; do
    deploy_flags "$function"
    if [ -n "$DRY" ]; then
      step "Function $(service_name "$function")"
      sed 's/^/#   /' "$WORK/$function.env.yaml" >&3
      change "${FLAGS[@]}"
      done_step
    elif is_current "$function"; then
      step "Function $(service_name "$function")"
      done_step
    else
      DEPLOYED="$DEPLOYED $function"
    fi
  done
  ask_in_market_hours
  for function in $DEPLOYED; do
    deploy_flags "$function"
    beside "$function" "${FLAGS[@]}"
  done
  for function in $DEPLOYED; do
    step "Function $(service_name "$function")"
    BEGAN=$began # all began together
    joined "$function" || failed="$failed $function"
    CHANGED=1
    done_step "$(listed "$function" "$failed" && printf 'FAILED (%s s)' "$((SECONDS - began))")"
  done
  if [ -n "$failed" ]; then # the others are up: a repeated run has only these to do
    function=${failed##* }
    step "Function $(service_name "$function")"
    ERR="$WORK/$function.err"
    fail_step
  fi
}

ask_in_market_hours() {
  local now
  [ -n "$DEPLOYED" ] && is_up webhook || return 0
  now=$(TZ=IST-5:30 date +%u%H%M)
  case $now in
    [1-5]0915 | [1-5]091[6-9] | [1-5]09[2-5]? | [1-5]1[0-4]?? | [1-5]15[0-3]?)
      confirm "The market is open. New revisions are asked first and get the traffic when they answer," \
        "but an alert may meet a cold instance. To be deployed:$DEPLOYED"
      ;;
  esac
}

# Gives the traffic to revisions that wait for it, once each has answered.
move_traffic() {
  local function url
  for function in $CHOSEN; do
    describe_function "$function"
    [ "$ACCESS" = public ] || continue
    url=$(service_url "$function")
    if is_up "$function" && { is_held_back "$function" || listed "$function" "$DEPLOYED"; }; then
      step "Traffic to the new $(service_name "$function")"
      listed "$function" "$DEPLOYED" || # from a run that ended before, or rolled back
        change run services update-traffic "$(service_name "$function")" "--region=$REGION" \
          --update-tags=next=LATEST --format=none
      wait_for_answer "$function" "$(service_url "$function" next---)"
      change run services update-traffic "$(service_name "$function")" "--region=$REGION" \
        --to-latest --remove-tags=next --format=none
      done_step
    elif listed "$function" "$DEPLOYED"; then
      step "The first answer of $(service_name "$function")"
      wait_for_answer "$function" "$url"
      CHANGED=1
      done_step
    fi
  done
}

# A new instance may need a minute before the network carries it.
wait_for_answer() {
  local tries=0
  [ -z "$DRY" ] || return 0
  until answers "$1" "$2"; do
    tries=$((tries + 1))
    [ "$tries" -lt 36 ] || fail_step "It does not answer as it should: $HEARD
An old revision, if there is one, keeps the traffic. What it wrote: ./deploy.sh logs $(service_name "$1")"
    sleep 5
  done
}

# answers FUNCTION URL: whether the function itself has answered. readyz may well say no
# (nobody is logged in yet), and a login page misses its parameters; a failure, or a
# refusal by Google in front of it, is no answer.
answers() {
  HEARD=$(curl -sS -m 20 -w ' (status %{http_code})' "$2" 2>&1 | tail -c 600) || true
  case $1:$HEARD in
    readyz:*'"checks"'*) ;;
    *"status 2"* | *"status 3"* | *"status 400)" | *"status 401)" | *"status 405)") ;;
    *) return 1 ;;
  esac
}

# Whether a function is there now, from before or from this run.
present() {
  listed "$1" "$CHOSEN" || is_up "$1"
}

grant_calls() {
  local function
  for function in $ALL_FUNCTIONS; do
    describe_function "$function"
    if [ "$ACCESS" = private ] && present "$function"; then
      step "Scheduler may call $(service_name "$function")"
      policy "run services" "$(service_name "$function")" "--region=$REGION"
      grant roles/run.invoker "$(account scheduler)"
      settle
      done_step
    fi
  done
  if [ -n "$KEEP_WARM" ] && present webhook; then
    # Google knows no narrower right than to change a service, nor to do so without acting
    # as its account. The role holds nothing else, and on the webhook only.
    step "The role of keep-warm"
    if ! exists iam roles describe "$WARM_ROLE" --format=none; then
      change iam roles create "$WARM_ROLE" "--title=FYERS alerts: scale the webhook" \
        --permissions=run.services.get,run.services.update --stage=GA --format=none
      MADE=1
    fi
    done_step
    step "Keep-warm may scale the webhook, nothing else"
    policy "run services" webhook "--region=$REGION"
    revoke roles/run.developer "$(account keep-warm)"
    grant "projects/$PROJECT/roles/$WARM_ROLE" "$(account keep-warm)"
    settle
    policy "iam service-accounts" "$(account webhook)"
    grant roles/iam.serviceAccountUser "$(account keep-warm)"
    settle
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
    case $job in fyers-warm-*) WARM_CHANGED=1 ;; esac
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
  elif [ -n "$WARM_CHANGED" ]; then
    prove_keep_warm
  fi
}

# Runs the job that keeps an instance and reads back what it did: a refusal would only show
# in a log otherwise. Outside its hours the other job follows.
prove_keep_warm() {
  local now
  now=$(TZ=IST-5:30 date +%u%H%M)
  step "Keep-warm works"
  run_warm_job fyers-warm-on 1
  case $DRY$now in
    [1-5]085[5-9] | [1-5]09?? | [1-5]1[0-4]?? | [1-5]15[0-4]?) ;;
    *) run_warm_job fyers-warm-off "" ;;
  esac
  done_step
}

run_warm_job() {
  local tries=0
  change scheduler jobs run "$1" "--location=$REGION"
  [ -z "$DRY" ] || return 0
  while :; do
    look run services describe webhook "--region=$REGION" \
      '--format=value(metadata.annotations["run.googleapis.com/minScale"])'
    [ "${FOUND#0}" != "$2" ] || return 0
    tries=$((tries + 1))
    [ "$tries" -lt 24 ] || fail_step "The job $1 ran, and the webhook keeps \"$FOUND\" instances.
What it was answered: ./deploy.sh status, and the job's log in the console."
    sleep 5
  done
}

# ---- the commands ----------------------------------------------------------------------

ask_readyz() {
  READYZ=$(curl -sS -m 20 "$(service_url readyz)" 2>&1) || true
}

symbols_are_ready() {
  grep -qE "$READYZ_GOOD" <<<"${READYZ//$'\n'/}"
}

# Without a snapshot the first alert would be refused, so the daily job runs once now: by
# way of the Scheduler, which proves its right to call, too.
first_snapshot() {
  local tries=0
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
    until symbols_are_ready; do
      tries=$((tries + 1))
      [ "$tries" -lt 36 ] ||
        fail_step "readyz still misses the symbols three minutes after refresh-symbols was
called; it says: $READYZ
What refresh-symbols wrote: ./deploy.sh logs refresh-symbols"
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
    "" "Next: open $(service_url auth_url) and log in to FYERS (docs/deploy.md, step 8)."
}

begin() {
  need_tools
  find_project
  if [ -n "$DRY" ]; then
    say "# The commands of a first run in $PROJECT, ${REGION:-asia-south1}. Nothing is touched."
    say "# BUILD is a folder made for the run; what is known only then is in capitals."
  fi
}

# know_project: number, region and the options chosen before.
know_project() {
  begin
  find_number
  recall
  [ -n "$DRY" ] || say "Project $PROJECT, region $REGION"
}

command_address() {
  begin
  find_number
  enable_apis
  recall
  GUIDE=4
  if [ -n "$STATIC_IP" ]; then
    make_network
    find_address
  fi
  say "" "The FYERS app (https://myapi.fyers.in/dashboard) asks for:"
  [ -z "$IP" ] || say "  IP address     $IP"
  say "  Redirect URI   $(service_url generate_token)"
  [ -z "$IP" ] || say "" "FYERS lets a registered address be changed once in 7 days only, by rule of the exchange:" \
    "look twice before you save it. This one stays yours until ./deploy.sh destroy."
  say "" "Then put its app id into env.yaml and run ./deploy.sh deploy (docs/deploy.md, step 5)"
}

command_deploy() {
  begin
  read_settings
  find_number
  enable_apis
  recall
  store_secrets # asks now, so that nobody has to wait for the questions
  deploy_all
}

deploy_all() {
  local began=$SECONDS
  make_accounts
  make_repository
  start_image # and go on while it is built
  if [ -n "$STATIC_IP" ]; then
    make_network
    find_address
  fi
  make_bucket
  remember
  make_database
  ensure "Topic $TOPIC" "pubsub topics" "$TOPIC" --
  grant_rights
  finish_image
  deploy_functions
  grant_calls
  make_jobs
  first_snapshot
  move_traffic
  [ -z "$ALERT_EMAIL" ] || make_watch
  if [ -z "$DRY" ]; then
    ask_readyz
    print_result
    say "Done in $((SECONDS - began)) s."
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
    stage "$STAGE_DIR/$function" "$function"
    say "$STAGE_DIR/$function"
  done
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
        cat "$HERE/local/deploying/help.txt"
        exit 0
        ;;
      --project | --region | --env-file | --alert-email)
        [ $# -ge 2 ] && [ -n "$2" ] || wrong_usage "$1 needs a value."
        case $1 in
          --project) PROJECT=$2 ;;
          --region) REGION=$2 ;;
          --env-file) ENV_FILE=$2 ;;
          --alert-email) ALERT_EMAIL=$2 ;;
        esac
        shift
        ;;
      --project=*) PROJECT=${1#*=} ;;
      --region=*) REGION=${1#*=} ;;
      --env-file=*) ENV_FILE=${1#*=} ;;
      --alert-email=*) ALERT_EMAIL=${1#*=} ;;
      --static-ip) STATIC_IP=yes ;;
      --no-static-ip) STATIC_IP=no ;;
      --keep-warm) KEEP_WARM=yes ;;
      --no-keep-warm) KEEP_WARM=no ;;
      --dry-run) DRY=1 ;;
      --allow-dirty) ALLOW_DIRTY=1 ;;
      --with-data) WITH_DATA=1 ;;
      --yes) YES=1 ;;
      *) parse_word "$1" ;;
    esac
    shift
  done
}

parse_word() {
  case $COMMAND:$1 in
    journal:* | rehearse:*) WORDS+=("$1") && return ;; # theirs to understand
    *:-*) wrong_usage "There is no option $1." ;;
  esac
  if [ -z "$COMMAND" ]; then
    case $1 in
      address | deploy | status | destroy | stage | secret | logs | pause | resume | rollback | rehearse | journal) COMMAND=$1 ;;
      *) wrong_usage "There is no command $1." ;;
    esac
  elif [ "$COMMAND" = stage ] && [ -z "$STAGE_DIR" ]; then
    STAGE_DIR=$1
  elif [ "$COMMAND" = secret ] && [ -z "$SECRET" ]; then
    SECRET=$1
  else
    case $COMMAND$CHOSEN in
      deploy* | stage* | rollback* | logs) ;;
      *) wrong_usage "$COMMAND takes no ${CHOSEN:+more }arguments." ;;
    esac
    listed "$(printf '%s' "$1" | tr - _)" "$ALL_FUNCTIONS" ||
      wrong_usage "There is no function $1; there are: $ALL_FUNCTIONS"
    CHOSEN="$CHOSEN $(printf '%s' "$1" | tr - _)"
  fi
}

# What still runs beside goes down with a failed run; a build at Google goes on.
clean_up() {
  local running
  running=$(jobs -p)
  # shellcheck disable=SC2086 # a list of numbers
  [ -z "$running" ] || kill $running 2>/dev/null || true
  rm -rf "$WORK"
}

main() {
  local part
  HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  for part in gcloud watch operate destroy; do
    # shellcheck source=/dev/null # they are checked on their own
    . "$HERE/local/deploying/$part.sh"
  done
  PROJECT="" REGION="" ENV_FILE="$HERE/env.yaml" STATIC_IP="" KEEP_WARM="" ALERT_EMAIL=""
  DRY="" ALLOW_DIRTY="" WITH_DATA="" YES="" COMMAND="" CHOSEN="" STAGE_DIR="" SECRET="" WORDS=()
  STEP="" CHANGED="" FOUND="" ANSWER="" NOTE="" GUIDE="" DEPLOYED="" KEPT="" LEFT="" IP=""
  MADE="" BUILDING="" BUILD_BEGAN=0 CODE="" IMAGE="" OLD_UNTIL="" WARM_CHANGED="" ENABLED="" DATABASE="(default)"
  GIVEN=${1+ $*}
  find_functions
  parse "$@"
  COMMAND=${COMMAND:-deploy}
  CHOSEN=${CHOSEN:-$ALL_FUNCTIONS}
  [ "$COMMAND$STAGE_DIR" != stage ] || wrong_usage "stage needs the folder to write to."
  [ "$COMMAND$SECRET" != secret ] || wrong_usage "secret needs the name of one."
  export CLOUDSDK_CORE_DISABLE_PROMPTS=1 # a question nobody sees would hang
  WORK=$(mktemp -d)
  OUT="$WORK/out" ERR="$WORK/err"
  : >"$ERR"
  : >"$WORK/processes"
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  "command_$COMMAND"
}

main "$@"
