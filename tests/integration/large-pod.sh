#!/usr/bin/env bash
# A pod of many containers, begun with the usual limit of 1024 descriptors: the supervisor has a
# dozen for each, and a member's own limit keeps none of them from starting.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

count=240 # the most that there may be
members() { # COUNT: the file of a pod with so many
  {
    printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: large\nspec:\n  containers:\n'
    local i
    for ((i = 1; i <= $1; i++)); do
      printf '  - {name: c%d, image: busybox, command: ["sh", "-c", "ulimit -Sn; exec sleep 3600"]}\n' $i
    done
  } | manifest large
}
expect_exit 3 pausa up -d "$(members $((count + 1)))"
match "one more is refused" "$errors" "spec.containers: Too many: $((count + 1)): must have at most $count items"
large=$(members $count)
ulimit -Sn 1024
up "$large"
same "all of them run" $count "$(field large '[.status.containerStatuses[] | select(.state.running)] | length')"
expect_exit 0 pausa exec large/c$count true
all_told() {
  local said
  said=$(pausa logs large | sed 's/.*| //' | sort | uniq -c | xargs)
  echo "$said"
  [[ $said == "$count 1024" ]]
}
eventually "each with the limit of a member" all_told
pid=$(field large .pausa.supervisor.pid)
kill -KILL "$pid"
adopted() {
  local seen
  seen=$(field large '.pausa.supervisor.pid, ([.status.containerStatuses[] | select(.state.running)] | length)' | xargs)
  echo "$seen"
  [[ $seen != "$pid "* && $seen == *" $count" ]]
}
eventually "another supervisor takes them all over" adopted
expect_exit 0 pausa exec large/c1 true
expect_exit 0 pausa down -t 0s large
eventually "nothing is left" nothing_remains
