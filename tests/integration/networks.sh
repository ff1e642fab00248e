#!/usr/bin/env bash
# Named networks: made, shown, used by pods and Jobs, kept apart, removed; what is refused.
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"

link_is_there() { ip link show "$1" >/dev/null 2>&1; }
no_link() { ! link_is_there "$1"; }
no_file() { [[ ! -e $1 ]]; }
cannot_reach() { ! in_pod "$1" busybox ping -c 1 -W 1 "$2" >/dev/null; }

# ---- made and shown
same "create says its name" back "$(pausa network create back --subnet 10.99.1.7/24 --ipv6 fd99:1::/64)"
expect_exit 0 pausa network create a-network-with-a-long-name
same "another one finds a range of its own" 10.87.0.0/24 "$(pausa network inspect a-network-with-a-long-name | jq -r ".subnets[0].subnet")"
same "the range is as it was asked for" "10.99.1.0/24 10.99.1.1 fd99:1::/64 fd99:1::1" \
  "$(pausa network inspect back | jq -r '[.subnets[] | .subnet, .gateway] | join(" ")')"
same "its interface has its name" pausa-back "$(pausa network inspect back | jq -r .interface)"
match "or what fits" "$(pausa network inspect a-network-with-a-long-name | jq -r .interface)" '^pausa-[0-9a-f]{9}$'
match "ls has them, and the usual one" "$(pausa network ls -o name | paste -sd' ')" '^default a-network-with-a-long-name back$'
match "with their ranges" "$(pausa network ls)" 'back +pausa-back +10\.99\.1\.0/24 +fd99:1::/64 +no +0'
check "no interface is there before a pod is" no_link pausa-back

# ---- what is refused
expect_exit 1 pausa network create back
match "a name that is taken" "$errors" "there is a network back already"
expect_exit 1 pausa network create over --subnet 10.99.0.0/16
match "a range that overlaps another network's" "$errors" "10.99.0.0/16 overlaps one that is in use, 10.99.1.0/24"
expect_exit 1 pausa network create over --subnet 198.51.100.0/25
match "or one that is routed" "$errors" "overlaps one that is in use, 198.51.100.0/24"
expect_exit 1 pausa network create over --ipv6 fd99:1::/96
match "of IPv6, too" "$errors" "overlaps one that is in use, fd99:1::/64"
expect_exit 2 pausa network create over --subnet 10.0.0.0/30
match "one that is too small" "$errors" "is no range for pods"
for range in 127.8.0.0/16 169.254.7.0/24 224.1.0.0/16 0.1.0.0/16 240.0.0.0/8; do
  expect_exit 2 pausa network create over --subnet "$range"
  match "one that is for something else" "$errors" "--subnet: $range is no range for pods: .* is for "
done
expect_exit 2 pausa network create over --ipv6 fe80:1::/64
match "of IPv6, too" "$errors" "fe80::/10 is for addresses of one link"
mkdir -p "$PAUSA_RUNROOT/network/services"
echo 10.96.0.0/16 >"$PAUSA_RUNROOT/network/services/range"
expect_exit 1 pausa network create over --subnet 10.96.7.0/24
match "the range of Services" "$errors" "10.96.7.0/24 overlaps one that is in use, 10.96.0.0/16"
rm -r "$PAUSA_RUNROOT/network/services"
expect_exit 2 pausa network create bridge
match "a word that means something else" "$errors" "not the name of one"
expect_exit 2 pausa network create Upper_Case
expect_exit 0 pausa network create --help
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
expect_exit 1 pausa network create six --ipv6 fd99:6::/64
match "IPv6 that is off" "$errors" "network six: IPv6 is off on this machine; .*net.ipv6.conf.default.disable_ipv6=0"
echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6
ip link add pausa-theirs type bridge
expect_exit 1 pausa network create theirs
match "an interface that somebody else made" "$errors" "is there already, and not made by this pausa"
ip link delete pausa-theirs
expect_exit 2 pausa up -d --network nowhere "$(sleeper one)"
match "a network that nobody made" "$errors" "there is no network nowhere"
expect_exit 4 pausa network rm nowhere
same "nothing of it is left" "a-network-with-a-long-name back default" "$(pausa network ls -o name | sort | paste -sd' ')"

# ---- half made, or without what a reboot takes
mv "$PAUSA_ROOT/networks/back" "$work/wish" # what an older create left, killed
expect_exit 0 pausa network create back --subnet 10.99.1.0/24 --ipv6 fd99:1::/64
expect_exit 0 pausa network create cut --internal
rm -r "$PAUSA_RUNROOT/network/bridges/pausa-cut"
expect_exit 1 pausa network create cut
expect_exit 0 pausa network rm cut
expect_exit 0 pausa network create cut --internal
rm "$PAUSA_ROOT/networks/cut"
expect_exit 0 pausa network create cut
same "a way to the world is not taken by what was there" false "$(pausa network inspect cut | jq .internal)"
check "nor noted" no_file "$PAUSA_RUNROOT/network/bridges/pausa-cut/internal"
same "a range that nobody asked for is not kept" "" "$(tr -d ' \n' <"$PAUSA_ROOT/networks/cut")"
rm -r "$PAUSA_RUNROOT/network/bridges/pausa-cut"
up --network cut "$(sleeper first)" &
up --network cut "$(sleeper second)"
wait $!
check "two at once after a reboot find one network" reaches first "$(field second .status.podIP)"
expect_exit 0 pausa down first second
expect_exit 0 pausa network rm cut

# ---- used
up --network back "$(sleeper one)"
up --network back "$(sleeper two)"
up --network bridge "$(sleeper usual)"
match "pods have addresses of it" "$(field one .status.podIP) $(field two '.status.podIPs[1].ip')" '^10\.99\.1\.[0-9]+ fd99:1::'
check "they reach each other" reaches one "$(field two .status.podIP)"
check "by IPv6" reaches one "$(field two '.status.podIPs[1].ip')"
match "by name" "$(pausa exec one -- nslookup -type=a two.default.svc.cluster.local)" "Address: $(field two .status.podIP)"
check "and the world" reaches one 198.51.100.2
check "not those of another network" cannot_reach one "$(field usual .status.podIP)"
check "nor these them" cannot_reach usual "$(field one .status.podIP)"
same "inspect has its pods" "one two" "$(pausa network inspect back | jq -r '[.pods[].name] | sort | join(" ")')"
up --network back "$(busybox_pod web '' 'command: [nc, -ll, -p, "80", -e, echo, web]' 'ports: [{containerPort: 80, hostPort: 8080}]')"
asked() { [[ $(outside busybox nc -w 2 198.51.100.1 8080 </dev/null 2>/dev/null) == web ]]; }
for _ in 1 2 3; do eventually "a published port is reached from outside" asked; done

# ---- a Job's pods
cat <<YAML >"$work/job.yaml"
apiVersion: batch/v1
kind: Job
metadata: {name: job}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: a, image: busybox, command: [sh, -c, "ip -4 address show dev eth0"]}]
YAML
expect_exit 0 pausa up -d --network back "$work/job.yaml"
expect_exit 0 pausa wait --for=condition=Complete --timeout 30s job/job
match "are on it, too" "$(pausa logs job/job 2>&1)" '10\.99\.1\.'
expect_exit 0 pausa down "$work/job.yaml"

# ---- a policy there
closed=$(policy closed 'podSelector: {}')
expect_exit 0 pausa up -d "$closed"
check "a policy holds on it" cannot_reach one "$(field two .status.podIP)"
expect_exit 0 pausa down -f "$closed"
check "until it is removed" reaches one "$(field two .status.podIP)"

# ---- internal
expect_exit 0 pausa network create inside --internal --no-ipv6
up --network inside "$(sleeper in1)"
up --network inside "$(sleeper in2)"
same "without IPv6 there is one address" 1 "$(field in1 '.status.podIPs | length')"
check "pods of an internal one reach each other" reaches in1 "$(field in2 .status.podIP)"
check "not the world" cannot_reach in1 198.51.100.2
run pausa exec in1 -- nslookup -type=a example.org
match "nor is its resolver asked" "$output" "can't find example.org: NXDOMAIN"
run pausa exec in1 -- nslookup -type=a in2.default.svc.cluster.local
match "but for neighbours" "$output" "Address: $(field in2 .status.podIP)"
check "nor other networks" cannot_reach in1 "$(field one .status.podIP)"

# ---- what was chosen stays
reboot() { pausa stop "$1" >/dev/null && rm "$PAUSA_RUNROOT/pods/default_$1/pod.json"; } # as one does
reboot in2
expect_exit 0 pausa start in2
same "after a reboot a pod is where it was" pausa-inside "$(jq -r .network.bridge "$PAUSA_RUNROOT/pods/default_in2/pod.json")"
check "without a way to the world, still" cannot_reach in2 198.51.100.2
up --network none "$(sleeper alone)"
expect_exit 0 pausa up -d --network inside "$work/alone.yaml"
same "one that lives stays where it is, with a note" 'pausa: pod alone stays on its own loopback; to move it: pausa down alone, then up again' "$errors"
expect_exit 0 pausa up -d --network bridge "$work/in2.yaml"
same "on a network, too" 'pausa: pod in2 stays on the network inside; to move it: pausa down in2, then up again' "$errors"
expect_exit 0 pausa up -d --network inside "$work/in2.yaml"
same "where it is asked to be nothing is to be told" '' "$errors"
expect_exit 0 pausa up -d --network default "$work/usual.yaml"
same "by another word, neither" '' "$errors"
reboot alone
PAUSA_NETWORK=bridge expect_exit 0 pausa start alone
same "one without a network has none" 127.0.0.1 "$(field alone .status.podIP)"
expect_exit 0 pausa down alone
expect_exit 0 pausa network create gone
PAUSA_NETWORK=none up --network gone "$(sleeper left)"
reboot left
expect_exit 1 pausa network rm gone
match "a stopped pod holds its network after a reboot, too" "$errors" "the network gone has pods: default/left"
match "ls counts it" "$(pausa network ls)" 'gone +pausa-gone .* 1'
same "inspect names it, without an address" "left 0" "$(pausa network inspect gone | jq -r '.pods[] | "\(.name) \(.addresses | length)"')"
reboot usual
match "as on the usual one" "$(pausa network ls)" 'default +pausa0 .* 1'
expect_exit 0 pausa start usual
rm "$PAUSA_ROOT/networks/gone"
expect_exit 1 pausa start left
match "a network that is gone is not replaced by another" "$errors" "there is no network gone"
expect_exit 0 pausa down left
cat <<YAML >"$work/again.yaml"
apiVersion: v1
kind: Pod
metadata: {name: in2}
spec:
  containers:
  - {name: a, image: busybox, command: [/no/such/program]}
YAML
expect_exit 1 pausa up -d --network bridge "$work/again.yaml"
same "what is taken back is where it was" pausa-inside "$(jq -r .network.bridge "$PAUSA_RUNROOT/pods/default_in2/pod.json")"
check "and runs" reaches in1 "$(field in2 .status.podIP)"
cat <<YAML >"$work/cron.yaml"
apiVersion: batch/v1
kind: CronJob
metadata: {name: cron}
spec:
  schedule: "@daily"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: a, image: busybox, command: [sh, -c, "ip -4 address show dev eth0"]}]
YAML
expect_exit 0 pausa up -d --network back "$work/cron.yaml"
expect_exit 0 pausa run-job --wait cron
match "the Jobs of a CronJob are where it was brought up" "$(pausa logs job/cron-1 2>&1)" '10\.99\.1\.'
expect_exit 0 pausa down "$work/cron.yaml"

# ---- PAUSA_NETWORK at up is what later runs use
expect_exit 0 env PAUSA_NETWORK=bridge "$PAUSA" up -d "$work/cron.yaml"
expect_exit 0 env PAUSA_NETWORK=none "$PAUSA" run-job --wait cron
match "those of a CronJob" "$(pausa logs job/cron-1 2>&1)" '10\.86\.'
expect_exit 0 pausa down "$work/cron.yaml"
expect_exit 1 env PAUSA_NETWORK=fast "$PAUSA" up -d "$work/cron.yaml"
match "nonsense is told at once" "$errors" 'PAUSA_NETWORK: "fast"'
sed 's/^spec:/spec:\n  completions: 2/; s/ip -4/until [ -e go ]; do usleep 20000; done; ip -4/' "$work/job.yaml" >"$work/two.yaml"
expect_exit 0 env PAUSA_NETWORK=bridge "$PAUSA" up -d "$work/two.yaml"
eventually "its first pod runs" pausa exec job-1 -- touch before
keeper() {
  local pid
  for pid in $(pgrep -x pausa-job); do
    tr '\0' '\n' <"/proc/$pid/environ" | grep -qxF "PAUSA_RUNROOT=$PAUSA_RUNROOT" && echo "$pid"
  done 2>/dev/null || true
}
kept() { [[ $(keeper) =~ ^[0-9]+$ ]]; }
eventually "it has a keeper" kept
keeper=$(keeper)
kill -9 "$keeper"
eventually "that is dead" dead "$keeper"
expect_exit 0 env PAUSA_NETWORK=none "$PAUSA" ps
expect_exit 0 pausa exec job-1 -- touch go
eventually "another keeper starts the second" pausa exec job-2 -- touch go
expect_exit 0 pausa wait --for=condition=Complete --timeout 30s job/job
match "those of a Job, whoever keeps it" "$(pausa logs job-2 2>&1)" '10\.86\.'
expect_exit 0 pausa down "$work/two.yaml"

# ---- removed
expect_exit 1 pausa network rm back
match "not while it has pods, which are named" "$errors" "the network back has pods: default/one, default/two, default/web"
expect_exit 1 pausa network rm default
match "the usual one neither" "$errors" "the network default has pods: default/usual"
kill -9 "$(field one .pausa.supervisor.pid)" "$(field one .pausa.infra.pid)"
expect_exit 0 pausa down one two web
expect_exit 0 pausa network rm back a-network-with-a-long-name
check "the interface goes with it" no_link pausa-back
same "and its rules" "" "$(nft list tables | grep back || true)"
expect_exit 0 pausa down in1 in2 usual
expect_exit 0 pausa network rm default
check "the usual one may go, too" no_link pausa0
up --network bridge "$(sleeper usual)"
check "and comes back" link_is_there pausa0
expect_exit 0 pausa down usual
expect_exit 0 pausa reset --yes
same "reset leaves no table" "" "$(nft list ruleset)"
check "no interface" no_link pausa-inside
same "and no network" default "$(pausa network ls -o name)"
expect_exit 0 pausa reset --yes
