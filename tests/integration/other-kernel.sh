#!/usr/bin/env bash
# The same tests with another kernel and pure cgroup v2, in a virtual machine (scripts/guest).
# Everything is emulated, some twenty times slower, so it is a selection.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
selection=(limits delegated exec survive user-namespace)

if [[ ${1:-} == --inside ]]; then
  export PAUSA_TEST_SLOW=1
  uname -r
  failed=0
  mapfile -t units < <(find build/release/bin -name 'test_*')
  for test in "${units[@]}" "${selection[@]/%/.sh}"; do
    begin=$SECONDS code=0
    case $test in
      *.sh) timeout -k 10 300 bash "tests/integration/$test" || code=$? ;;
      *) timeout -k 10 300 "$test" || code=$? ;;
    esac
    echo "== $test: exit code $code after $((SECONDS - begin)) s"
    ((code == 0 || code == 77)) || failed=1
  done
  [[ ! -e /sys/fs/cgroup/pausa ]] || {
    echo "FAILED: left behind: /sys/fs/cgroup/pausa"
    failed=1
  }
  exit $failed
fi
exec scripts/guest --timeout 850 --files build/release/bin/test_cgroup \
  --files build/release/bin/test_rootfs tests/integration/other-kernel.sh --inside
