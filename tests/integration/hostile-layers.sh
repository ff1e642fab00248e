#!/usr/bin/env bash
# Layers that mean harm, one by one (tests/support/hostile_layers.py): what becomes of each, that
# nothing outside of it changes, and that it takes little memory.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
type -P python3 >/dev/null || skip "python3 is not installed, which makes them"
layers=$(dirname "${BASH_SOURCE[0]}")/../support/hostile_layers.py
unpacker=$(dirname "$PAUSA")/../libexec/pausa/pausa-unpack

export PYTHONDONTWRITEBYTECODE=1
same "docs/hostile-layers.md is what hostile_layers.py --table prints" "" \
  "$(python3 "$layers" --table | diff - "$source_root/docs/hostile-layers.md" 2>&1 | head -n 5)"
# In memory, where a hundred thousand files are no matter; attributes of users need Linux 6.6 there.
folder=$(mktemp -d /dev/shm/pausa-test-XXXXXX)
at_end 'rm -rf "$folder"'
if ! python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.a", b"b")' "$folder" 2>/dev/null; then
  rmdir "$folder"
  folder=$work/layers
  mkdir "$folder"
fi
python3 "$layers" "$unpacker" "$folder" || fail "every layer has its outcome"

# Millions of files, on a disk: refused before there are many, and cleared away with their image.
mkdir "$work/on-disk"
python3 "$layers" "$unpacker" "$work/on-disk" L25d >"$work/many" || fail "5,000,000 files on a disk" "$(cat "$work/many")"
took=$(awk '$1 == "L25d" { print $3 }' "$work/many")
# (5 s on a machine that does nothing else.)
between "it does not take long" 0 "$took" 60000
