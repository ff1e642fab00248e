#!/usr/bin/env bash
# nginx-image.sh NAME | --tree FOLDER: an image of the distribution's nginx in pausa's library (PAUSA names the
# program), or its files alone in FOLDER. The packages are downloaded, not installed; the libraries that the
# program needs are this machine's. Exit code 77, with the reason: they cannot be had.
set -euo pipefail
PAUSA=${PAUSA:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)/build/release/bin/pausa}

cannot() {
  echo "nginx's packages cannot be had: $*" >&2
  exit 77
}

# tree FOLDER
tree() {
  local root=$1 packages library
  for tool in apt-get dpkg-deb busybox; do type -P $tool >/dev/null || cannot "no $tool"; done
  packages=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$packages'" EXIT
  chmod 755 "$packages"
  (cd "$packages" && timeout 120 apt-get -qq -o APT::Sandbox::User=root download nginx nginx-common) >"$packages/words" 2>&1 ||
    cannot "$(tail -n 1 "$packages/words")"
  mkdir -p "$root"
  for package in "$packages"/*.deb; do dpkg-deb -x "$package" "$root"; done
  rm -rf "$root"/usr/share/{doc,man,lintian} "$root"/etc/{init.d,default,logrotate.d,ufw} "$root"/lib/systemd
  mkdir -p "$root"/{bin,dev,proc,sys,run,tmp,var/log/nginx,var/lib/nginx} "$root"/usr/{bin,sbin}
  chmod 1777 "$root/tmp"
  ldd "$root/usr/sbin/nginx" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root${library%/*}"
    cp -L "$library" "$root$library"
  done
  cp "$(type -P busybox)" "$root/bin/busybox"
  ln -s busybox "$root/bin/sh"
  printf 'root:x:0:0:root:/:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n' >"$root/etc/passwd"
  printf 'root:x:0:\nwww-data:x:33:\n' >"$root/etc/group"
  cat >"$root/etc/nginx/nginx.conf" <<'CONF'
user www-data;
worker_processes auto;
pid /run/nginx.pid;
error_log stderr;
events { worker_connections 1024; }
http {
  include mime.types;
  access_log off;
  keepalive_requests 1000000;
  server {
    listen 80 reuseport;
    root /usr/share/nginx/html;
    index index.html;
  }
}
CONF
}

if [[ ${1:-} == --tree ]]; then
  tree "$2"
else
  folder=$(mktemp -d)
  (tree "$folder/root") || {
    status=$?
    rm -rf "$folder"
    exit $status
  }
  "$PAUSA" image build-from -q --entrypoint /usr/sbin/nginx --cmd -g --cmd 'daemon off;' "$folder/root" "$1" || status=$?
  rm -rf "$folder"
  exit "${status:-0}"
fi
