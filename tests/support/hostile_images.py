#!/usr/bin/env python3
"""hostile_images.py FOLDER: images whose documents mean harm, as OCI layouts below FOLDER. Prints a
line for each: its name, the exit code of pulling it, and what is to be said (a regular expression)."""
import gzip
import hashlib
import json
import os
import sys

from tar_bytes import END, file, folder, symlink

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
top = sys.argv[1]


class Layout:
    def __init__(self, name):
        self.path = os.path.join(top, name)
        os.makedirs(os.path.join(self.path, "blobs", "sha256"))

    def blob(self, data, kind):
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(self.path, "blobs", "sha256", digest), "wb") as target:
            target.write(data)
        return {"mediaType": kind, "digest": "sha256:" + digest, "size": len(data)}

    def index(self, descriptor, mark=True):
        descriptor = dict(descriptor, annotations={"org.opencontainers.image.ref.name": "v1"})
        with open(os.path.join(self.path, "index.json"), "w", encoding="utf-8") as target:
            json.dump({"schemaVersion": 2, "manifests": [descriptor]}, target)
        if mark:
            with open(os.path.join(self.path, "oci-layout"), "w", encoding="utf-8") as target:
                target.write('{"imageLayoutVersion":"1.0.0"}')


def image(name, code, words, layers=(file(b"f") + END,), config=None, change=None, document=None, raw_config=None):
    layout = Layout(name)
    blobs = [layout.blob(gzip.compress(layer, mtime=0), LAYER) for layer in layers]
    whole = {"architecture": "amd64", "os": "linux", "config": config or {},
             "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]}}
    if change:
        change(whole)
    data = raw_config(json.dumps(whole)) if raw_config else whole
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": layout.blob(data, CONFIG), "layers": blobs}
    if document:
        document(manifest)
    layout.index(layout.blob(manifest, MANIFEST))
    print(f"{name}\t{code}\t{words}")
    return layout


def tell(name, code, words):
    print(f"{name}\t{code}\t{words}")


def size(by):
    def change(manifest):
        manifest["layers"][0]["size"] += by
    return change


image("L33-larger", 1, "size|bytes|EOF", document=size(1))
image("L33-smaller", 1, "size|bytes|digest", document=size(-1))
image("L33-diff-id", 1, "has the digest", change=lambda c: c["rootfs"].update(diff_ids=["sha256:" + "0" * 64]))
image("L34-thousand", 1, "has 1000 layers; at most 500 can be", layers=[file(b"f%d" % i) + END for i in range(1000)])
image("L34-twice", 0, "", layers=[file(b"f") + END] * 3)
image("L35-both", 1, ".", document=lambda m: m.update(manifests=[]))
image("L35-type", 1, "not supported|[Uu]nknown|unsupported", document=lambda m: m["layers"][0].update(mediaType="application/x-harm"))
image("L35-schema-1", 1, ".", document=lambda m: m.update(schemaVersion=1))
nested = Layout("L35-nested")
inner = nested.blob({"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}, MANIFEST)
for _ in range(100):
    inner = nested.blob({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
        dict(inner, platform={"os": "linux", "architecture": "amd64"})]}, "application/vnd.oci.image.index.v1+json")
nested.index(inner)
tell("L35-nested", 1, ".")
for number, digest in enumerate(("sha256:../../../../../../etc/passwd", "sha256:" + "A" * 64, "md5:" + "0" * 32)):
    image(f"L36-{number}", 1, "digest", document=lambda m, d=digest: m["layers"][0].update(digest=d))
image("L37-large", 1, ".", raw_config=lambda text: text.encode() + b" " * (8 << 20))
image("L37-deep", 1, ".", raw_config=lambda text: (text[:-1] + ',"x":' + "[" * 100_000 + "]" * 100_000 + "}").encode())
image("L37-count", 1, "layers", change=lambda c: c["rootfs"]["diff_ids"].append("sha256:" + "0" * 64))
image("L37-no-json", 1, ".", raw_config=lambda text: b"\0\xff" + text.encode())
image("L38-env", 1, "not NAME=VALUE", config={"Env": ["=x"]})
image("L38-folder", 1, "not absolute", config={"WorkingDir": "relative"})
image("L39-many", 0, "", config={"Volumes": {f"/v{i}/..": {} for i in range(10_000)}, "ExposedPorts": {"99999/xyz": {}},
                                 "Labels": {"io.kubernetes.cri-o.Devices": "/dev/sda", "pausa/network": "host"}})
bare = image("L40-no-mark", 1, ".")
os.unlink(os.path.join(bare.path, "oci-layout"))
os.rename(os.path.join(bare.path, "blobs"), os.path.join(bare.path, "blob"))
linked = image("L40-index-link", 1, ".")
os.unlink(os.path.join(linked.path, "index.json"))
os.symlink("/etc/shadow", os.path.join(linked.path, "index.json"))
stolen = image("L40-blob-link", 1, ".", layers=[file(b"stolen") + END])
blobs = os.path.join(stolen.path, "blobs", "sha256")
for blob in os.listdir(blobs):
    with open(os.path.join(blobs, blob), "rb") as source:
        if source.read(2) != b"\x1f\x8b":
            continue
    os.unlink(os.path.join(blobs, blob))
    os.symlink("/etc/shadow", os.path.join(blobs, blob))

# L22: a whole image whose folders are traps; the caller gives a busybox.
if len(sys.argv) > 2:
    with open(sys.argv[2], "rb") as source:
        busybox = source.read()
    base = folder(b"bin") + file(b"bin/busybox", busybox, mode=0o755) + symlink(b"bin/sh", b"busybox")
    for what, make in (("links", lambda n: symlink(n, b"/victim")), ("outwards", lambda n: symlink(n, b"../../../../tmp")),
                       ("files", lambda n: file(n, b"x"))):
        image(f"L22-{what}", 0, "", layers=[base + b"".join(make(n) for n in (b"dev", b"proc", b"sys", b"etc", b"run")) + END])
