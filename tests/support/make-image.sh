#!/usr/bin/env bash
# make-image.sh LAYOUT TAG CONFIG LAYER.tar…: an OCI image layout with one image of these layers
# (gzip), by the specification alone: no image tool is needed. CONFIG is the JSON of its "config".
set -euo pipefail
layout=$1 tag=$2 config=$3
shift 3
blobs=$layout/blobs/sha256
mkdir -p "$blobs"

# put FILE: into the blobs; sets $digest and $size.
put() {
  digest=$(sha256sum <"$1")
  digest=${digest%% *}
  size=$(stat -c %s "$1")
  mv "$1" "$blobs/$digest"
}

descriptor() { jq -nc --arg t "$1" --arg d "sha256:$digest" --argjson s "$size" '{mediaType:$t,digest:$d,size:$s}'; }

layers=() diff_ids=()
for layer in "$@"; do
  diff_id=$(sha256sum <"$layer")
  diff_ids+=("\"sha256:${diff_id%% *}\"")
  gzip -nc "$layer" >"$layout/blob"
  put "$layout/blob"
  layers+=("$(descriptor application/vnd.oci.image.layer.v1.tar+gzip)")
done
join() { local IFS=,; echo "[$*]"; }
jq -nc --argjson c "$config" --argjson d "$(join "${diff_ids[@]}")" \
  '{architecture:"amd64",os:"linux",config:$c,rootfs:{type:"layers",diff_ids:$d}}' >"$layout/blob"
put "$layout/blob"
config=$(descriptor application/vnd.oci.image.config.v1+json)
jq -nc --argjson c "$config" --argjson l "$(join "${layers[@]}")" \
  '{schemaVersion:2,mediaType:"application/vnd.oci.image.manifest.v1+json",config:$c,layers:$l}' \
  >"$layout/blob"
put "$layout/blob"
descriptor application/vnd.oci.image.manifest.v1+json |
  jq -c --arg n "$tag" '{schemaVersion:2,manifests:[. + {annotations:{"org.opencontainers.image.ref.name":$n}}]}' \
    >"$layout/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
