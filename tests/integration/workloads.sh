#!/usr/bin/env bash
# Deployments, ReplicaSets, StatefulSets and DaemonSets: their pods come, change one after another,
# and go with what the manifest says.
# Fields: Deployment.apiVersion Deployment.kind Deployment.metadata Deployment.spec
# Fields: DeploymentSpec.replicas DeploymentSpec.selector DeploymentSpec.template DeploymentSpec.strategy DeploymentStrategy.type
# Fields: PodTemplateSpec.metadata PodTemplateSpec.spec
# Fields: ReplicaSet.apiVersion ReplicaSet.kind ReplicaSet.metadata ReplicaSet.spec
# Fields: ReplicaSetSpec.replicas ReplicaSetSpec.selector ReplicaSetSpec.template
# Fields: DaemonSet.apiVersion DaemonSet.kind DaemonSet.metadata DaemonSet.spec DaemonSetSpec.selector DaemonSetSpec.template
# Fields: StatefulSet.apiVersion StatefulSet.kind StatefulSet.metadata StatefulSet.spec
# Fields: StatefulSetSpec.replicas StatefulSetSpec.ordinals StatefulSetSpec.selector StatefulSetSpec.template
# Fields: StatefulSetSpec.volumeClaimTemplates StatefulSetSpec.podManagementPolicy StatefulSetOrdinals.start
# Fields: StatefulSetSpec.persistentVolumeClaimRetentionPolicy StatefulSetPersistentVolumeClaimRetentionPolicy.whenDeleted StatefulSetPersistentVolumeClaimRetentionPolicy.whenScaled
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

# workload KIND NAME SPEC-LINES TEMPLATE-COMMAND
workload() {
  manifest "$2" <<EOF
apiVersion: apps/v1
kind: $1
metadata: {name: $2}
spec:
  selector: {matchLabels: {app: $2}}
$3
  template:
    metadata: {labels: {app: $2}}
    spec:
      containers:
      - {name: c, image: busybox, command: ["sh", "-c", "$4; exec sleep 3600"]}
EOF
}
pods() { pausa ps -a -q | paste -sd ' '; }
supervisor_pid() { field "$1" .pausa.supervisor.pid; }

# ---- a Deployment

expect_exit 4 pausa wait deployment/web
expect_exit 0 pausa wait --for=deleted deployment/web
expect_exit 124 pausa wait --for=ready --timeout 200ms deployment/web
match "what is missing is named" "$errors" 'deployment/web is not ready after 200ms: it has no pods'
"$PAUSA" wait --for=ready --timeout 60s deployment/web >"$work/awaited" &
waiting=$!
file=$(workload Deployment web '  replicas: 3' 'echo one')
expect_exit 0 pausa up -d "$file"
awaited=0
wait $waiting || awaited=$?
same "somebody waited before there were any" "0 pod/web-1" "$awaited $(head -n 1 "$work/awaited")"
same "up tells of its pods" "pod/web-1 pod/web-2 pod/web-3" "$(paste -sd ' ' <<<"$output")"
for pod in web-1 web-2 web-3; do trace "$pod"; done
same "their owner" "Deployment/web" "$(field web-2 '.metadata.ownerReferences[0] | "\(.kind)/\(.name)"')"
expect_exit 0 pausa ps -o wide deployment/web
match "ps tells the owner" "$output" 'web-3 .*deployment/web'
expect_exit 0 pausa ps -q deploy/web
same "ps knows the short name of the kind" "web-1 web-2 web-3" "$(paste -sd ' ' <<<"$output")"
said() { [[ $(pausa logs --prefix=never deployment/web | paste -sd ' ') == "$1" ]]; }
eventually "logs of all of them" said "one one one"
expect_exit 0 pausa exec deployment/web -- true
expect_exit 0 pausa condition deployment/web example.com/fed=True
same "each has it" $'pod/web-1\npod/web-2\npod/web-3' "$output"
expect_exit 0 pausa wait --for=ready deployment/web
expect_exit 4 pausa logs deployment/none
match "one that is not there is named" "$errors" 'deployment/none'

before=$(infra_pid web-1)
expect_exit 0 pausa diff "$file"
expect_exit 0 pausa up -d "$file"
same "a second up keeps them" "$before" "$(infra_pid web-1)"

# Fewer: what is too much goes, as part of the Deployment.
workload Deployment web '  replicas: 2' 'echo one' >/dev/null
expect_exit 1 pausa diff "$file"
match "diff tells of the pod that goes" "$output" 'web-3: remove'
expect_exit 0 pausa up -d --dry-run "$file"
match "a dry run, too" "$output" 'web-3: remove'
expect_exit 0 pausa up -d "$file"
same "two pods are left" "web-1 web-2" "$(pods)"
same "and they were kept" "$before" "$(infra_pid web-1)"

# Another template: one after another.
workload Deployment web '  replicas: 2' 'echo two' >/dev/null
expect_exit 0 pausa up -d "$file"
match "the change is told" "$errors" 'web-1: restart c'
for pod in web-1 web-2; do
  eventually "$pod runs the new template" bash -c "'$PAUSA' logs $pod | grep -qx two"
done

# The first pod that cannot be set up ends the rollout; all is as it was.
sed 's/image: busybox/image: nothing-here/' "$file" >"$work/bad.yaml"
expect_exit "1 3" pausa up -d "$work/bad.yaml"
same "the pods are those that were there" "$before" "$(infra_pid web-1)"

workload Deployment web '  replicas: 0' 'echo two' >/dev/null
expect_exit 0 pausa up -d "$file"
same "no replicas, no pods" "" "$(pods)"

# Recreate: all old pods go before the first new one.
file=$(workload Deployment again '  {replicas: 2, strategy: {type: Recreate}}' 'true')
sed -i 's/^  {replicas: 2, strategy: {type: Recreate}}$/  replicas: 2\n  strategy: {type: Recreate}/' "$file"
expect_exit 0 pausa up -d "$file"
sed -i 's/^      containers:/      hostname: other\n      containers:/' "$file"
expect_exit 0 pausa up -d "$file"
match "both are made anew" "$errors" 'again-2: recreate'
same "a pod of the new template" other "$(pausa exec again-2 hostname)"
expect_exit 0 pausa debug deployment/again -- true
match "the first of them gets it" "$output" '^again-1/'
expect_exit 0 pausa down deployment/again
same "down by name removes all of them" "" "$(pods)"
expect_exit 0 pausa down deployment/again

# ---- a ReplicaSet, a DaemonSet

file=$(workload ReplicaSet rs '  replicas: 2' 'true')
expect_exit 0 pausa up -d "$file"
same "the pods of a ReplicaSet" "rs-1 rs-2" "$(pods)"
expect_exit 0 pausa down "$file"
file=$(workload DaemonSet agent '' 'true')
expect_exit 0 pausa up -d "$file"
same "a DaemonSet is one pod" "agent-1" "$(pods)"
expect_exit 0 pausa down "$file"

# ---- a StatefulSet

file=$(manifest db <<'EOF'
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  ordinals: {start: 4}
  serviceName: db
  selector: {matchLabels: {app: db}}
  persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - name: c
        image: busybox
        command: ["sh", "-c", "hostname >>/data/names; sleep 0.3; touch /tmp/ready; exec sleep 3600"]
        readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}
        volumeMounts: [{name: data, mountPath: /data}]
EOF
)
expect_exit 0 pausa up -d "$file"
for pod in db-4 db-5; do trace "$pod"; done
same "its pods have ordinals" "db-4 db-5" "$(pods)"
match "the second waits for the first" "$errors" 'db-5 waits until db-4 is ready'
same "the label with its name" db-5 "$(field db-5 '.metadata.labels["statefulset.kubernetes.io/pod-name"]')"
same "the label with its number" 5 "$(field db-5 '.metadata.labels["apps.kubernetes.io/pod-index"]')"
ready=$(field db-4 '.status.conditions[] | select(.type == "Ready").lastTransitionTime')
started=$(field db-5 .metadata.creationTimestamp)
check "the first was ready before the second was made" test ! "$ready" \> "$started"
names_are() { [[ $(pausa exec "$1" cat /data/names | paste -sd ' ') == "$2" ]]; }
eventually "each has data of its own" names_are db-5 db-5
expect_exit 0 pausa volume ls
match "each has a claim" "$output" 'data-db-4'
match "the other one, too" "$output" 'data-db-5'

sed -i 's/replicas: 2/replicas: 1/' "$file"
expect_exit 0 pausa up -d "$file"
same "one replica is left" "db-4" "$(pods)"
expect_exit 0 pausa volume ls
same "the claim of the other goes with it" "" "$(grep data-db-5 <<<"$output" || true)"

expect_exit 0 pausa down "$file"
expect_exit 0 pausa up -d "$file"
eventually "a claim outlives its pods" names_are db-4 "db-4 db-4"
expect_exit 0 pausa down --volumes "$file"

sed -i 's/whenScaled: Delete/whenDeleted: Delete/; s/^  replicas: 1/  replicas: 2\n  podManagementPolicy: Parallel/' "$file"
expect_exit 0 pausa up -d "$file"
same "in parallel nobody waits" "" "$(grep waits <<<"$errors" || true)"
expect_exit 0 pausa down "$file"
expect_exit 0 pausa volume ls
same "its claims go with it" "" "$(grep data-db <<<"$output" || true)"
eventually "nothing is left" nothing_remains
