# user.sh: a user without privileges for a test, beside lib.sh, which it sources. The user exists in a
# mount namespace of this test alone, where /etc/passwd and its like are files of ours (in $work):
# first with one id only, until subordinate_ids is called.
# shellcheck shell=bash
if [[ -z ${PAUSA_TEST_OWN_ETC:-} ]] && ((EUID == 0)); then
  exec env PAUSA_TEST_OWN_ETC=1 unshare --mount --propagation private "$BASH" "$0" "$@"
fi
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

uid=$((10000 + $$ % 50000)) # of this test alone: tests kill what their user has
first_subordinate=3000000000
chmod 755 "$work"
home=$work/home
mkdir -p "$home/bin" "$home/libexec" "$home/run"
chmod 700 "$home/run"
program=$home/bin/pausa # the build folder may be out of that user's reach
cp "$PAUSA" "$program"
cp -r "$(dirname "$PAUSA")/../libexec/." "$home/libexec/"
chmod -R a+rX "$home/bin" "$home/libexec"
chown $uid:$uid "$home" "$home/run"

for file in passwd subuid subgid; do
  cp "/etc/$file" "$work/$file" 2>/dev/null || : >"$work/$file"
  [[ -e /etc/$file ]] || skip "there is no /etc/$file here"
  mount --bind "$work/$file" "/etc/$file"
done
echo "pausa-test:x:$uid:$uid::$home:/bin/sh" >>"$work/passwd"
subordinate_ids() {
  for file in subuid subgid; do echo "pausa-test:$first_subordinate:65536" >>"$work/$file"; done
}

user_network=none # user-net.sh says otherwise
as_user() {
  setpriv --reuid $uid --regid $uid --clear-groups --inh-caps=-all \
    env -i PATH="$PATH" HOME="$home" XDG_RUNTIME_DIR="$home/run" PAUSA_NETWORK=$user_network "$@"
}
mine() { as_user "$program" "$@"; }
value() { mine inspect "$1" | jq -r "$2"; }
pid_of() { value "$1" ".pausa.containers[\"$2\"].pid"; }

end_all() {
  local status=$?
  set +e
  mine reset --yes </dev/null >"$work/reset" 2>&1 || {
    echo "FAILED: pausa reset of that user"
    cat "$work/reset"
    ((status != 0)) || status=1
  } >&2
  (exit "$status")
  finish
}
trap end_all EXIT
as_user unshare --user --map-root-user true 2>/dev/null ||
  skip "a user without privileges may not make user namespaces here"

files_left() {
  find "$home/run/pausa/pods" "$home/.local/share/pausa/pods" "$home/.local/share/pausa/trash" \
    -mindepth 1
}
processes_left() {
  local process
  for process in /proc/[0-9]*; do
    [[ $(stat -c %u "$process" 2>/dev/null) != "$uid" ]] || echo "process $process"
  done
}
nobody_left() {
  local left
  left=$(
    files_left
    processes_left
  )
  echo "$left"
  [[ -z $left ]]
}
