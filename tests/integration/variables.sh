#!/usr/bin/env bash
# --env-file and --set: values for ${NAME} in a manifest, where they are asked for.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

file=$(manifest shop <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: shop-${STAGE}
spec:
  terminationGracePeriodSeconds: ${GRACE:-0}
  containers:
    - name: a
      image: busybox
      command: ["sh", "-c", "echo ${WORDS} $${HOME} $(STAGE); exec sleep 1000"]
      env: [{name: STAGE, value: "${STAGE}"}]
YAML
)
cat >"$work/env" <<'ENV'
# of the test
STAGE=test
WORDS="key: [a], {b}"
ENV
expect_exit 3 pausa up -d "$file"
match "without the flags it is mere text" "$errors" 'shop-\$\{STAGE\}'
expect_exit 3 pausa up -d --set STAGE=test --set WORD=x "$file"
match "an unset variable is told with its place and what may be meant" "$errors" \
  'shop.yaml:10:35: error: the variable WORDS is not set.*did you mean "WORD"'
expect_exit 2 pausa up -d --env-file "$work/env" --set GRACES=1 "$file"
match "a name that nothing has is a slip" "$errors" '--set GRACES: no manifest has \$\{GRACES\}; did you mean "GRACE"'
same "and nothing was started" "" "$(pausa ps -a -q)"
for verb in validate diff "image lock"; do
  # shellcheck disable=SC2086
  expect_exit 2 pausa $verb --env-file "$work/env" --set HOME=/ "$file"
  match "to $verb, too" "$errors" '--set HOME: no manifest has'
done
expect_exit 0 pausa validate --env-file "$work/env" "$file"
match "validate knows the flags" "$output" 'pod/shop-test is valid'
expect_exit 1 pausa diff --env-file "$work/env" "$file"
same "diff does" 'shop-test: create' "$output"
expect_exit 0 pausa up -d --env-file "$work/env" "$file"
trace shop-test
says() { [[ $(pausa logs shop-test) == "$1" ]]; }
eventually "values are put in and change nothing but text" says "key: [a], {b} /root test"
expect_exit 0 pausa up -d --env-file "$work/env" --set GRACE=0 "$file"
same "the same values are the same pod" "pod/shop-test" "$output"
same "nothing was changed" "" "$errors"
export WORDS=other
expect_exit 0 pausa up -d --env-file "$work/env" --set WORDS "$file"
eventually "--set NAME takes it from the environment, and wins" says "other /root test"
expect_exit 0 pausa down --env-file "$work/env" --set HOME=/ "$file"
same "down knows the name" pod/shop-test "$output"
expect_exit 2 pausa up --set 1=2 "$file"
expect_exit 2 pausa up --set NOBODY_HAS_IT "$file"
expect_exit 1 pausa up --env-file "$work/none" "$file"
echo "no equals sign" >>"$work/env"
expect_exit 2 pausa up --env-file "$work/env" "$file"
match "a bad line is named" "$errors" 'env:4: no "="'
eventually "nothing is left" nothing_remains
