#!/usr/bin/env bash
# pausa exec: in the member's namespaces, root, cgroup and confinement, with the caller's streams.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

up "$(
  manifest tool <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: tool
spec:
  containers:
    - name: plain
      image: busybox
      command: ["sleep", "3600"]
      workingDir: /var
      env: [{name: COLOUR, value: green}]
    - name: user
      image: busybox
      command: ["sleep", "3600"]
      securityContext: {runAsUser: 1234, runAsGroup: 5678}
YAML
)"

same "stdin reaches the command" "through a pipe" \
  "$(echo through a pipe | pausa exec tool/plain cat)"
head -c 3000000 /dev/urandom >"$work/bytes"
pausa exec tool/plain cat <"$work/bytes" >"$work/back"
check "binary data survives both ways" cmp "$work/bytes" "$work/back"
same "the end of stdin is seen" 3 "$(printf 'a\nb\nc\n' | pausa exec tool/plain wc -l)"

expect_exit 0 pausa exec tool/plain sh -c 'echo out; echo err >&2'
same "stdout is stdout" out "$output"
same "stderr is stderr" err "$errors"

expect_exit 0 pausa exec tool/plain sh -c 'pwd; echo $COLOUR'
same "the member's directory and environment" $'/var\ngreen' "$output"
expect_exit 0 pausa exec -w /tmp -e COLOUR=red -e SIZE=3 tool/plain sh -c 'pwd; echo $COLOUR $SIZE'
same "-w and -e" $'/tmp\nred 3' "$output"
expect_exit 0 pausa exec tool/user id
match "the member's user" "$output" 'uid=1234.*gid=5678'
expect_exit 0 pausa exec -u 7:8 tool/plain id
match "-u" "$output" 'uid=7.*gid=8'
same "/dev/stdout of another user, through the caller's pipe" through \
  "$(pausa exec -u 7 tool/plain sh -c 'echo through >/dev/stdout' | cat)"
expect_exit 0 pausa exec tool/plain cat /proc/sys/net/ipv4/ping_group_range
same "everybody may ping" $'0\t2147483647' "$output"
expect_exit 0 pausa exec tool/plain -- echo words -e -u
same "options after the target are the command's" 'words -e -u' "$output"
expect_exit 0 pausa exec tool/plain echo -e 'x'
same "also without --" x "$output"
expect_exit 0 pausa exec tool sh -c 'echo $COLOUR'
same "the first container is the default" green "$output"

# With a terminal: its own, of the container, controlling it; ended with the command.
expect_exit 0 pausa exec -t tool/plain sh -c 'test -t 0 && test -t 1 && test -t 2 && tty'
match "a terminal of the container's" "$output" '^/dev/pts/[0-9]+'
same "which ends the lines" $'\r' "${output: -1}"
same "and is its controlling one" yes \
  "$(pausa exec -t tool/user sh -c 'echo yes >/dev/tty' </dev/null | tr -d '\r\n')"
same "keys reach it" 'a b' "$(printf 'read x; echo "<$x>"\na b\nexit\n' |
  pausa exec -it tool/plain sh | tr -d '\r' | sed -n 's/^<\(.*\)>$/\1/p')"
expect_exit 7 pausa exec -t tool/plain sh -c 'exit 7'
same "the console is nobody's" "" "$(pausa exec tool/plain sh -c 'grep console /proc/self/mounts || true')"
on_terminal "$PAUSA" exec -it tool/plain sh -c 'stty size >/dev/null && echo sized'
match "on our terminal" "$output" sized

# With our own eyes: the same namespaces and control group as the member, not ours.
member=$(member_pid tool plain)
pausa exec tool/plain sleep 3600 </dev/null &
session=$!
inside() { pausa exec tool/plain pidof sleep </dev/null | wc -w; }
three_sleeps() { [[ $(inside) == 3 ]]; }
eventually "three sleeps in the pod" three_sleeps
executed=
for process in /proc/[0-9]*; do
  pid=${process#/proc/}
  if [[ $pid != "$member" && $(process_name "$pid") == sleep ]] 2>/dev/null &&
    [[ $(ns "$pid" mnt) == "$(ns "$member" mnt)" ]]; then executed=$pid; fi
done 2>/dev/null
check "the executed process is found from outside" test -n "$executed"
for kind in mnt net ipc uts pid user cgroup; do
  same "same $kind namespace" "$(ns "$member" $kind)" "$(ns "$executed" $kind)"
done
same "same control groups" "$(cat "/proc/$member/cgroup")" "$(cat "/proc/$executed/cgroup")"
for line in CapBnd CapEff CapInh CapAmb Seccomp NoNewPrivs; do
  same "same $line" "$(grep "^$line:" "/proc/$member/status")" "$(grep "^$line:" "/proc/$executed/status")"
done
kill -KILL "$executed"
result=0
wait $session || result=$?
same "exec of a killed process" 137 $result

# No descriptor of ours inside.
expect_exit 0 pausa exec tool/plain sh -c 'ls /proc/self/fd'
same "three descriptors, and ls' own" $'0\n1\n2\n3' "$output"

# Twenty at once.
for i in $(seq 20); do
  pausa exec tool/plain sh -c "exit $i" </dev/null &
  sessions[i]=$!
done
for i in $(seq 20); do
  result=0
  wait "${sessions[i]}" || result=$?
  same "session $i" "$i" "$result"
done

expect_exit 0 pausa down tool
