#!/usr/bin/env bash
# shellcheck disable=SC2034,SC2153 # a part of deploy.sh, which sources it
#
# --alert-email: who is told when the functions themselves cannot.

set -euo pipefail

CHECK_NAME="FYERS alerts readyz" # gcloud 528 takes --user-labels for it and drops them

# With --alert-email Google writes when the functions cannot: nothing of ours runs for it.
make_watch() {
  local channel check file title mark known matcher
  GUIDE=7
  step "E-mail to $ALERT_EMAIL"
  look alpha monitoring channels list --filter=userLabels.app=fyers-alerts \
    '--format=csv[no-heading](name,labels.email_address)'
  channel=$(awk -F, -v to="$ALERT_EMAIL" '$2 == to { print $1; exit }' <<<"$FOUND")
  if [ -z "$channel" ]; then
    change alpha monitoring channels create "--display-name=FYERS alerts" --type=email \
      "--channel-labels=email_address=$ALERT_EMAIL" --user-labels=app=fyers-alerts \
      '--format=value(name)'
    channel=$(cat "$OUT")
    [ -z "$DRY" ] || channel=CHANNEL
  fi
  done_step
  step "Uptime check of readyz"
  matcher=$(tool watch matcher)
  look monitoring uptime list-configs "--filter=displayName=\"$CHECK_NAME\"" \
    '--format=value(name,contentMatchers[0].content)'
  known=${FOUND%%$'\n'*}
  check=${known%%$'\t'*}
  if [ -z "$check" ]; then
    change monitoring uptime create "$CHECK_NAME" --resource-type=uptime-url \
      "--resource-labels=host=$(service_url readyz | sed 's/^https:..//'),project_id=$PROJECT" \
      --protocol=https --path=/ --period=5 --timeout=20 --status-codes=200,503 \
      --matcher-type=matches-regex "--matcher-content=$matcher" '--format=value(name)'
    check=$(cat "$OUT")
    [ -z "$DRY" ] || check=CHECK
  elif [ "$known" != "$check"$'\t'"$matcher" ]; then
    change monitoring uptime update "$check" --set-status-codes=200,503 \
      --matcher-type=matches-regex "--matcher-content=$matcher" --format=none
  fi
  done_step
  look alpha monitoring policies list --filter=userLabels.app=fyers-alerts \
    '--format=csv[no-heading](displayName,userLabels.made_from,name)'
  known=$FOUND
  tool watch "$WORK" "$channel" "${check##*/}" >"$WORK/policies"
  while IFS=, read -r file title mark; do
    step "${title#FYERS alerts: }"
    if ! grep -qF "$title,$mark," <<<"$known"; then
      case $known in
        *"$title,"*)
          change alpha monitoring policies update "$(
            sed -n "s/^$title,[^,]*,//p" <<<"$known" | head -n 1
          )" \
            "--policy-from-file=$WORK/policy-$file.json" --format=none
          ;;
        *)
          change alpha monitoring policies create \
            "--policy-from-file=$WORK/policy-$file.json" --format=none
          ;;
      esac
    fi
    done_step
  done <"$WORK/policies"
  make_budget
}

# The budget belongs to the billing account, which may be somebody else's.
make_budget() {
  local billing amount=15
  step "Budget alert"
  look billing projects describe "$PROJECT" '--format=value(billingAccountName)'
  billing=${FOUND##*/}
  [ -z "$DRY" ] || billing=BILLING_ACCOUNT
  if ! attempt billing budgets list "--billing-account=$billing" '--format=value(displayName)'; then
    done_step "not allowed"
    say "  The budgets of billing account $billing cannot be read with this account; its owner can set one:" \
      "  https://console.cloud.google.com/billing/$billing/budgets"
    return
  fi
  if ! grep -qxF "FYERS alerts $PROJECT" "$OUT"; then
    if attempt billing accounts describe "$billing" '--format=value(currencyCode)' &&
      [ "$(cat "$OUT")" = INR ]; then
      amount=1500
    fi
    change billing budgets create "--billing-account=$billing" \
      "--display-name=FYERS alerts $PROJECT" "--budget-amount=$amount" \
      "--filter-projects=projects/$PROJECT" --threshold-rule=percent=0.5 \
      --threshold-rule=percent=1.0 --format=none
  fi
  done_step
}
