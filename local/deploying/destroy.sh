#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2153 # a part of deploy.sh, which sources it
#
# deploy.sh destroy: everything down again, in the order that Google lets go of it.

set -euo pipefail

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
  local job rest function region
  found_among "scheduler jobs" "--location=$REGION" '--format=value(name.basename())'
  while read -r job rest; do
    [ -z "$job" ] || drop_present "Schedule $job" "scheduler jobs" "$job" "--location=$REGION"
  done <<<"$JOBS_TABLE$WARM_TABLE"
  found_among "run services" "--region=$REGION" '--format=value(metadata.name)'
  for function in $ALL_FUNCTIONS; do
    function=$(service_name "$function")
    drop_present "Function $function" "run services" "$function" "--region=$REGION"
  done
  for region in "$REGION" "$ELSEWHERE"; do
    drop "The image's service in $region" "run services" "$IMAGE_SERVICE" "--region=$region"
    [ -z "$DRY" ] || break
  done
  found_among "artifacts packages" "--repository=$REPOSITORY" "--location=$REGION" \
    '--format=value(name.basename())'
  for function in $IMAGE_SERVICE $ALL_FUNCTIONS; do # each had its own once
    function=$(service_name "$function")
    drop_present "Images of $function" "artifacts packages" "$function" \
      "--repository=$REPOSITORY" "--location=$REGION"
  done
}

# The custom role stays: Google would keep its name taken for a month, and without an
# account it allows nothing.
destroy_watch() {
  local name kind list filter
  [ -n "$DRY" ] || grep -q '^monitoring\.' <<<"$ENABLED" || return 0
  for kind in "alpha monitoring policies" "monitoring uptime" "alpha monitoring channels"; do
    step "What watched: ${kind##* }"
    list=list filter=userLabels.app=fyers-alerts
    [ "$kind" != "monitoring uptime" ] || list=list-configs filter="displayName=\"$CHECK_NAME\""
    # shellcheck disable=SC2086 # words of a command
    look $kind $list "--filter=$filter" '--format=value(name)'
    for name in ${DRY:+NAME} $FOUND; do
      # shellcheck disable=SC2086 # words of a command
      change $kind delete "$name"
    done
    done_step
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
    for role in roles/run.builder roles/logging.logWriter roles/datastore.user roles/datastore.viewer; do
      revoke "$role" "$(account "$name")"
    done
  done
  settle
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
  step "Our collections"
  if exists firestore databases describe "--database=$DATABASE" --format=none; then
    change firestore bulk-delete --collection-ids=alerts,once,lanes,sessions,control,guard \
      "--database=$DATABASE"
  fi
  done_step
  found_among secrets '--format=value(name.basename())'
  for name in $SECRETS; do
    drop_present "Secret $name" secrets "$name"
  done
}

command_destroy() {
  begin
  read_settings
  confirm_destroy
  find_number
  recall
  look services list --enabled '--format=value(config.name)'
  ENABLED=$FOUND
  destroy_jobs_and_services
  destroy_watch
  destroy_network
  drop "Topic $TOPIC" "pubsub topics" "$TOPIC"
  destroy_accounts
  [ -z "$WITH_DATA" ] || destroy_data
  [ -z "$LEFT" ] || die "" "Left over: $LEFT"
}
