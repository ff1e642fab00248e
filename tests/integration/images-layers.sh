#!/usr/bin/env bash
# Images of many layers run as pods: as root, with ids of their own, and without privileges.
source "$(dirname "${BASH_SOURCE[0]}")/../support/user.sh"
type -P skopeo >/dev/null || skip "skopeo is not installed, which brings images in"
make_image="$(dirname "${BASH_SOURCE[0]}")/../support/make-image.sh"
subordinate_ids

mkdir -p "$work/base/bin" "$work/base/steps"
cp "$(type -P busybox)" "$work/base/bin/busybox"
for applet in sh cat ls wc sleep; do ln -s busybox "$work/base/bin/$applet"; done
tar -C "$work/base" --owner 0 --group 0 -cf "$work/0.tar" .
layers=("$work/0.tar")
mkdir -p "$work/step/steps"
for ((i = 1; i < 128; i++)); do
  rm -f "$work/step/steps/"* "$work/step/steps/".wh.*
  echo "$i" >"$work/step/top"
  : >"$work/step/steps/$i"
  # Every eighth takes away what the one before it has made.
  if ((i % 8 == 0)); then : >"$work/step/steps/.wh.$((i - 1))"; fi
  tar -C "$work/step" --owner 0 --group 0 -cf "$work/$i.tar" top steps
  layers+=("$work/$i.tar")
done
for count in 64 128; do
  "$make_image" "$work/of$count" v1 '{"Env":["PATH=/bin"],"Cmd":["sleep","1000"]}' "${layers[@]:0:count}"
  chmod -R a+rX "$work/of$count"
  for users in true false; do
    expect_exit 0 pausa up -d "$(manifest many <<YAML
apiVersion: v1
kind: Pod
metadata: {name: many}
spec:
  hostUsers: $users
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: "oci:$work/of$count:v1"}]
YAML
)"
    expect_exit 0 pausa exec many -- sh -c 'cat /top; ls /steps | wc -l; echo mine >/top; cat /top'
    same "$count layers (hostUsers: $users)" \
      "$((count - 1)) $((count - 1 - (count - 1) / 8)) mine" "$(xargs <<<"$output")"
    expect_exit 0 pausa down many
  done
  expect_exit 0 pausa image mount "oci:$work/of$count:v1"
  same "they can be looked at" $((count - 1)) "$(cat "$output/top")"
  expect_exit 0 pausa image umount --all
  expect_exit 0 mine up -d "$work/many.yaml"
  expect_exit 0 mine exec many -- cat /top
  same "$count layers without privileges" $((count - 1)) "$output"
  expect_exit 0 mine down many
done
