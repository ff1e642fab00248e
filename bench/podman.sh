# podman.sh: podman beside pausa, with storage and settings of its own. To be sourced, by who has set
# $disk (a folder on a disk), $run (one in memory) and $tools (build/bench, with guest).
# shellcheck shell=bash
export CONTAINERS_CONF=$disk/containers.conf
podman_words=(podman --root "$disk/podman" --runroot "$run/podman" --storage-driver overlay)
podman() { command "${podman_words[@]}" "$@"; }

podman_is_set_up=0
libpod_is_ours=0 # the group that podman leaves behind

# set_up_podman ROOTFS: with the images localhost/busybox, of that folder, and localhost/pause.
set_up_podman() {
  local runtime
  podman_is_set_up=1
  [[ -n $(find /sys/fs/cgroup -maxdepth 2 -name libpod_parent -print -quit) ]] || libpod_is_ours=1
  # podman's limits are what an unprivileged container of a CI machine may still set.
  for runtime in crun runc; do command -v $runtime >/dev/null && break; done
  # crun refuses hosts with controllers on v1 beside an empty v2 tree.
  if [[ ! -e /sys/fs/cgroup/cgroup.controllers ]] && command -v runc >/dev/null; then runtime=runc; fi
  cat >"$CONTAINERS_CONF" <<CONF
[engine]
runtime = "$runtime"
cgroup_manager = "cgroupfs"
events_logger = "file"
infra_image = "localhost/pause"
[network]
network_config_dir = "$disk/podman-networks"
[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
CONF
  tar -C "$1" -c . |
    podman import -q --change 'ENV PATH=/bin' --change 'CMD ["sh"]' - localhost/busybox >/dev/null
  mkdir "$disk/pause"
  cp "$tools/guest" "$disk/pause/pause"
  tar -C "$disk/pause" -c . |
    podman import -q --change 'ENTRYPOINT ["/pause", "pause"]' - localhost/pause >/dev/null
}

end_podman() {
  ((podman_is_set_up)) || return 0
  podman system reset --force >/dev/null 2>&1
  if ((libpod_is_ours)); then
    find /sys/fs/cgroup -depth -type d -path '*/libpod_parent*' -exec rmdir {} + 2>/dev/null
  fi
}
