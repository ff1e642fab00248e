#!/usr/bin/env bash
# The exit codes that scripts build on.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

# What is not there.
expect_exit 0 pausa down absent
expect_exit 4 pausa inspect absent
expect_exit 4 pausa logs absent
expect_exit 4 pausa stop absent
expect_exit '4 125' pausa exec absent true

# Usage.
expect_exit 2 pausa nonsense
expect_exit 2 pausa ps --nonsense
expect_exit 2 pausa up
expect_exit 0 pausa version
expect_exit 0 pausa --help

# A manifest that cannot be: 3, with the place, and nothing exists afterwards.
bad=$(
  manifest bad <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: bad
spec:
  containers:
    - name: web
      image: busybox
      comand: ["sh"]
YAML
)
expect_exit 3 pausa up -d "$bad"
match "the error names file, line and column" "$errors" 'bad\.yaml:9:7: error: .*comand'
match "the error helps" "$errors" 'command'
same "data goes to stdout only, and there is none" '' "$output"
expect_exit 4 pausa inspect bad
expect_exit 3 pausa validate "$bad"
expect_exit 0 pausa validate "$source_root/manifests/01-hello.yaml"
expect_exit '1 3' pausa up -d "$work/no-such-file.yaml"

# Output that cannot be written is no success; closed descriptors are nobody's.
into_full() { "$PAUSA" "$@" >/dev/full; }
for verb in ps version help "validate $source_root/manifests/01-hello.yaml"; do
  # shellcheck disable=SC2086
  expect_exit 1 into_full $verb
  match "$verb: why" "$errors" 'write to standard output: No space left'
done
all_closed() { "$PAUSA" "$@" <&- >&- 2>&-; }
expect_exit 0 all_closed up -d "$(three closed)"
expect_exit 0 pausa exec closed/c true
expect_exit 0 all_closed down closed
expect_exit 4 pausa inspect closed

# The contained code of exec.
up "$(three codes)"
expect_exit 0 pausa exec codes/a true
expect_exit 7 pausa exec codes/a sh -c 'exit 7'
expect_exit 127 pausa exec codes/a no-such-program
expect_exit 126 pausa exec codes/a /etc/passwd
expect_exit 126 pausa exec codes/a /etc
expect_exit 137 pausa exec codes/a sh -c 'kill -KILL $$'
expect_exit 143 pausa exec codes/a sh -c 'kill -TERM $$'
expect_exit '4 125' pausa exec codes/no-such-member true
match "the error names the members there are" "$errors" 'a.*b.*c'

# wait
expect_exit 124 pausa wait --for=exited --timeout 200ms codes
match "wait says what it waited for" "$errors" 'exited'
expect_exit 0 pausa wait --for=ready --timeout 60s codes

# The pod's own code, attached and after the fact.
on_terminal "$PAUSA" up "$source_root/manifests/02-exit-code.yaml"
same "an attached up ends with the pod's exit code" 3 "$code"

# A pod that is there already: up of the same is no error, of another one of that name it says so.
expect_exit 0 pausa up -d "$work/codes.yaml"

expect_exit 0 pausa down "$work/codes.yaml"
expect_exit 0 pausa down "$work/codes.yaml"
expect_exit 0 pausa down --all
