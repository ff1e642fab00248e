# image-lib.sh: what the tests of images share: images of our own, a registry on loopback, podman to
# compare with. Source it instead of lib.sh.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
make_image=$source_root/tests/support/make-image.sh

# busybox_tree FOLDER APPLET…: busybox and links to it, in FOLDER/bin.
busybox_tree() {
  local folder=$1 applet
  shift
  mkdir -p "$folder/bin"
  cp "$(type -P busybox)" "$folder/bin/busybox"
  for applet; do ln -s busybox "$folder/bin/$applet"; done
}

# layer_of FOLDER: $FOLDER.tar, all root's.
layer_of() { tar -C "$1" --owner 0 --group 0 -cf "$1.tar" .; }

# two_versions CONFIG APPLET…: the images oci:$work/one:v1 and oci:$work/two:v1, whose file /version
# says which.
two_versions() {
  local config=$1 version
  busybox_tree "$work/tree" "${@:2}"
  for version in one two; do
    echo $version >"$work/tree/version"
    layer_of "$work/tree"
    "$make_image" "$work/$version" v1 "$config" "$work/tree.tar"
  done
}

# start_registry [MORE-OF-HTTP [LINE…]]: docker-registry at 127.0.0.1:$port, its pid in $registry; with
# these lines more in its configuration.
start_registry() {
  local more=${1:-} line
  port=$((20000 + $$ % 12000))
  {
    printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}}\n' "$work/registry"
    printf 'http: {addr: "127.0.0.1:%s"%s}\n' "$port" "$more"
    for line in "${@:2}"; do echo "$line"; done
  } >"$work/registry.yaml"
  docker-registry serve "$work/registry.yaml" >"$work/registry.log" 2>&1 &
  registry=$!
  at_end "kill $registry 2>/dev/null"
  registry_listens() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
  eventually "the registry listens" registry_listens
}

# Of a registry without a certificate: told to skopeo where people tell it, in a user's own folder.
trust_registry() {
  export HOME=$work/home XDG_CONFIG_HOME=$work/home/.config XDG_RUNTIME_DIR=$work/home/run
  mkdir -p "$HOME/.config/containers" "$XDG_RUNTIME_DIR"
  printf '[[registry]]\nlocation = "127.0.0.1:%s"\ninsecure = true\n' "$port" >"$HOME/.config/containers/registries.conf"
}

# ---- podman beside us

their_podman() { podman --root "$work/podman" --runroot "$PAUSA_RUNROOT.podman" --storage-driver overlay "$@"; }
end_podman() {
  their_podman image umount --all >/dev/null 2>&1
  umount "$work/podman/overlay" 2>/dev/null
  rm -rf "$PAUSA_RUNROOT.podman"
}

# need_podman: without it the test ends here.
need_podman() {
  if ! type -P podman >/dev/null; then
    echo "not tested: no podman here to compare the files with"
    exit 0
  fi
  at_end end_podman
}

# they_load ARCHIVE: into podman, or the test ends here.
they_load() {
  their_podman load -q -i "$1" >/dev/null 2>"$work/podman.log" && return
  echo "not tested: podman cannot take the image here: $(tail -n 1 "$work/podman.log")"
  exit 0
}

# tree_of FOLDER: its files, owners, modes, times and attributes.
tree_of() { PYTHONDONTWRITEBYTECODE=1 python3 "$source_root/tests/support/tree.py" "$1"; }
