#!/usr/bin/env bash
# A supervisor that cannot work says why, is started again less and less often, and does not keep
# anybody from ending the pod.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

break_it() { # POD: its supervisor dies, and the next ones find a damaged manifest
  stored=$PAUSA_ROOT/pods/default_$1/manifest.json
  cp "$stored" "$work/stored.json"
  member=$(member_pid "$1" a)
  echo '{' >"$stored"
  kill -KILL "$(field_of_record "$1" .supervisor.pid)"
  eventually "the reason is in a file" test -s "$(dirname "$stored")/supervisor.error"
}
field_of_record() { jq -r "$2" "$PAUSA_RUNROOT/pods/default_$1/pod.json"; }

up "$(three shop)"
break_it shop
expect_exit 1 pausa ps
match "ps shows it" "$output" 'shop +3/3 +SupervisorFailed'
match "and says why" "$errors" 'pod shop: its supervisor cannot work: .*manifest'
check "the members run on" alive "$member"
deaths() { grep -c SupervisorFailed "$(dirname "$stored")/events.jsonl"; }
same "it is one event, not one for each try" 1 "$(deaths)"
match "the event says why" "$(grep SupervisorFailed "$(dirname "$stored")/events.jsonl")" 'manifest'

# What is mended is mended for the supervisor, too.
cp "$work/stored.json" "$stored"
eventually "a supervisor that works takes the message away" test ! -e "$(dirname "$stored")/supervisor.error"
expect_exit 0 pausa ps
match "all is well" "$output" 'shop +3/3 +Running'
same "the member never noticed" "$member" "$(member_pid shop a)"
trace shop

# It can be stopped all the same, and started when it is mended.
break_it shop
expect_exit 0 timeout 30 "$PAUSA" stop shop
match "the way is said" "$errors" 'cannot work: .*; ending the pod without it'
check "its members are gone" dead "$member"
cp "$work/stored.json" "$stored"
expect_exit 0 pausa ps -a
match "it is stopped" "$output" 'shop +0/3 +Stopped'
expect_exit 0 pausa start shop
trace shop

# And removed.
break_it shop
expect_exit 0 timeout 30 "$PAUSA" down shop
expect_exit 4 pausa inspect shop
eventually "nothing is left" nothing_remains

# An up that was cut off between the record and the manifest: there is no pod.
up "$(three cut)"
kill -KILL "$(field cut .pausa.guard.pid)" "$(field cut .pausa.supervisor.pid)" "$(infra_pid cut)"
jq -c '.infra.pid = 0' "$PAUSA_RUNROOT/pods/default_cut/pod.json" >"$work/record"
cp "$work/record" "$PAUSA_RUNROOT/pods/default_cut/pod.json"
rm "$PAUSA_ROOT/pods/default_cut/manifest.json"
expect_exit 4 pausa inspect cut
eventually "nothing is left" nothing_remains
