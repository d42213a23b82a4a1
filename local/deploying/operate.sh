#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2153 # a part of deploy.sh, which sources it
#
# deploy.sh's commands for every day after the first: what is up, stop, back, on. Those
# that upload nothing set ALLOW_DIRTY: a file half edited must never keep from a pause.

set -euo pipefail

# A new version, the functions that use it restarted, and nothing built. TradingView's
# alerts carry the webhook token, so the old one is taken for a while longer.
command_secret() {
  begin
  read_settings
  listed "$SECRET" "$SECRETS" && [ "$SECRET" != WEBHOOK_SECRET_TOKEN_OLD ] ||
    wrong_usage "There is no secret $SECRET to change; there are: ${SECRETS/WEBHOOK_SECRET_TOKEN_OLD /}"
  find_number
  recall
  [ "$SECRET" != WEBHOOK_SECRET_TOKEN ] || keep_old_token
  ask_secret "$SECRET"
  step "A new version of $SECRET"
  if exists secrets describe "$SECRET" --format=none; then
    add_version "$SECRET"
  else
    create_secret "$SECRET"
  fi
  done_step
  store_secrets
  deploy_all
  [ -z "$OLD_UNTIL" ] || say "Alerts with the old token are taken until $OLD_UNTIL: change them in TradingView" \
    "before. The new one: gcloud secrets versions access latest --secret=WEBHOOK_SECRET_TOKEN --project=$PROJECT"
}

keep_old_token() {
  local old=WEBHOOK_SECRET_TOKEN_OLD until
  until=$(($(date +%s) + TOKEN_KEPT_DAYS * 86400))
  step "The old token stays valid for $TOKEN_KEPT_DAYS days"
  if ! exists secrets describe "$old" --format=none; then
    change secrets create "$old" --replication-policy=automatic
  fi
  # One pipe, so that no file and no argument ever holds it.
  piped secrets versions access latest --secret=WEBHOOK_SECRET_TOKEN |
    change_with_input secrets versions add "$old" --data-file=- || fail_step
  change secrets update "$old" "--update-labels=until=$until" --format=none
  done_step
}

# The revision before the one with the traffic gets it back; the next deploy of a new
# commit or setting goes on from there.
command_rollback() {
  local function name now before
  know_project
  list_services
  for function in $CHOSEN; do
    is_up "$function" || continue
    name=$(service_name "$function")
    step "$name back to the revision before"
    look run services describe "$name" "--region=$REGION" \
      '--format=value(status.traffic[0].revisionName)'
    now=$FOUND
    look run revisions list "--service=$name" "--region=$REGION" \
      --sort-by=~metadata.creationTimestamp '--format=value(metadata.name)'
    before=$(awk -v now="$now" 'found { print; exit } $0 == now { found = 1 }' <<<"$FOUND")
    if [ -n "$before" ]; then
      change run services update-traffic "$name" "--region=$REGION" \
        "--to-revisions=$before=100" --format=none
      done_step
      say "  $now -> $before"
    else
      done_step "there is none"
    fi
  done
  say "" "The next ./deploy.sh puts the last commit up again: go back in git first (git revert)."
}

command_logs() {
  local of='resource.type="cloud_run_revision" AND (severity>=DEFAULT)'
  know_project
  [ "$CHOSEN" = "$ALL_FUNCTIONS" ] ||
    of="$of AND resource.labels.service_name=\"$(service_name "${CHOSEN# }")\""
  look logging read "$of" --freshness=1d --limit=100 \
    "--format=value(timestamp.date(format='%d %b %H:%M:%S',tz=$TIME_ZONE),resource.labels.service_name,severity,jsonPayload.message,textPayload)"
  indented
}

# firestore METHOD PATH [BODY]: the REST way to the documents; PATH begins with / or :
firestore() {
  if [ -n "$DRY" ]; then
    say "# $1 documents$2 of Firestore, with the token of: gcloud auth print-access-token"
    return
  fi
  piped auth print-access-token | sed 's/^/Authorization: Bearer /' |
    curl -sS -m 20 -H @- -H "Content-Type: application/json" -X "$1" ${3+-d "$3"} \
      "https://firestore.googleapis.com/v1/projects/$PROJECT/databases/$DATABASE/documents$2"
}

command_pause() {
  ALLOW_DIRTY=1
  know_project
  read_settings
  step "Entries are paused"
  if [ -n "$DRY" ]; then
    piped secrets versions access latest --secret=WEBHOOK_SECRET_TOKEN
    say "# POST $(service_url webhook) with that token and the action PAUSE"
    return
  fi
  piped secrets versions access latest --secret=WEBHOOK_SECRET_TOKEN |
    tool control alert PAUSE | curl -sS -m 20 -H "Content-Type: application/json" \
      --data-binary @- -w ' (status %{http_code})' "$(service_url webhook)" >"$OUT" 2>&1 || true
  grep -q '(status 200)' "$OUT" || fail_step "The webhook says: $(cat "$OUT")"
  done_step ok
  say "  $(cat "$OUT")" "No new positions until ./deploy.sh resume; closing goes on."
}

command_resume() {
  ALLOW_DIRTY=1
  know_project
  read_settings
  step "Entries go on"
  firestore PATCH '/control/entries?updateMask.fieldPaths=paused&currentDocument.exists=true' '{}' >"$OUT" ||
    fail_step
  case $(tr -d '\n' <"$OUT") in
    *'"error"'*NOT_FOUND*) ;; # nothing was ever paused
    *'"error"'*) fail_step "The database says: $(cat "$OUT")" ;;
  esac
  done_step ok
}

# The owner's own yes each time: it places real orders. --yes does not stand for it.
command_rehearse() {
  local file fyers
  GUIDE=10
  [ -t 0 ] || [ -n "$DRY" ] || die "A rehearsal wants your own yes each time: run it in a terminal."
  YES="" ALLOW_DIRTY=1
  know_project
  read_settings
  GUIDE=10
  confirm "This sells one lot of an option with exits and buys it back, twice, through the deployed" \
    "functions at FYERS: four real orders, with brokerage, charges and what the price does in between." \
    "The market has to be open. It takes about three minutes; Ctrl-C closes what is open and ends it." \
    ${WORDS[@]+"Asked for besides: ${WORDS[*]}"}
  file=$(setting GCS_TOKENS_FILE)
  fyers=$(setting FYERS_BASE_URL)
  # The webhook's token in the first line, the FYERS login after it: in a pipe, never in an
  # argument or a file.
  {
    piped secrets versions access latest --secret=WEBHOOK_SECRET_TOKEN &&
      { [ -n "$DRY" ] || printf '\n'; } &&
      piped storage cat "gs://$BUCKET/${file:-tokens/tokens.json}"
  } | run_local rehearsal "--webhook=$(service_url webhook)" "--app=$(setting FYERS_APP_ID)" \
    ${fyers:+"--fyers=$fyers"} ${WORDS[@]+"${WORDS[@]}"} || {
    [ "${PIPESTATUS[0]}" = 0 ] || last_error >&2
    exit 1
  }
}

command_journal() {
  local query
  ALLOW_DIRTY=1
  know_project
  read_settings
  query=$(run_local journal --query ${WORDS[@]+"${WORDS[@]}"}) || exit 1
  if [ -n "$DRY" ]; then
    firestore POST :runQuery
    return
  fi
  firestore POST :runQuery "$query" | run_local journal --answer ${WORDS[@]+"${WORDS[@]}"} || {
    [ "${PIPESTATUS[0]}" = 0 ] || last_error >&2
    exit 1
  }
}

# run_local MODULE ARGUMENTS...: a tool that talks to the project itself.
run_local() {
  local module=$1
  shift
  if [ -n "$DRY" ]; then
    say "# python -m local.$module $*"
    return
  fi
  [ -f "$HERE/local/$module.py" ] || [ -f "$HERE/local/$module/__main__.py" ] ||
    die "This tree has no local/$module yet."
  find_python
  (cd "$HERE" && "$PYTHON" -B -m "local.$module" "$@")
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

indented() { sed 's/^/  /' "$OUT" >&3; }

command_status() {
  ALLOW_DIRTY=1
  know_project
  read_settings
  heading "Functions: the revision with the traffic"
  look run services list "--region=$REGION" --filter=metadata.labels.app=fyers-alerts \
    '--format=table[no-heading](metadata.name,status.traffic[0].revisionName,status.url)'
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
  [ -z "$DRY" ] || return 0
  heading "Entries"
  say "  $(firestore GET /control/entries 2>/dev/null | tool control paused)"
  heading "readyz"
  ask_readyz
  say "  $READYZ"
}
