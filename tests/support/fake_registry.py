#!/usr/bin/env python3
"""fake_registry.py LAYOUT PORT-FILE: a registry that has one image, of the OCI layout LAYOUT, under any
name, and does what the last part of the name says: fine, stall, truncate, size, digest, manifest-digest,
redirect, loop, 401, 403, 404, 429, 500, and once-WORD, which does it the first time only."""
import http.server
import json
import os
import re
import sys
import threading

layout = sys.argv[1]
with open(os.path.join(layout, "index.json"), encoding="utf-8") as handle:
    MANIFEST = json.load(handle)["manifests"][0]
seen = set()
forever = threading.Event()


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def answer(self, code, body=b"", **headers):
        self.send_response(code)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fault(self, code):
        words = {401: "UNAUTHORIZED", 403: "DENIED", 404: "MANIFEST_UNKNOWN", 429: "TOOMANYREQUESTS", 500: "UNKNOWN"}[code]
        more = {"Retry_After": "1"} if code == 429 else {}
        if code == 401:
            more["WWW_Authenticate"] = 'Basic realm="here"'
        self.answer(code, json.dumps({"errors": [{"code": words, "message": words.lower()}]}).encode(),
                    Content_Type="application/json", **more)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if self.path == "/v2/":
            return self.answer(200)
        found = re.fullmatch(r"/v2/(?:.*/)?([a-z0-9-]+)/(manifests|blobs)/(.+)", self.path)
        if not found:
            return self.fault(404)
        what, kind, which = found.groups()
        if what.startswith("once-"):
            what = "fine" if (what, kind) in seen or kind == "manifests" else what[5:]
            if kind == "blobs":
                seen.add((found[1], kind))
        if what.isdigit():
            return self.fault(int(what))
        digest = MANIFEST["digest"] if kind == "manifests" else which
        with open(os.path.join(layout, "blobs", *digest.split(":")), "rb") as handle:
            body = handle.read()
        if kind == "manifests":
            if what == "manifest-digest":
                digest = "sha256:" + "0" * 64
            return self.answer(200, body, Content_Type=MANIFEST["mediaType"], Docker_Content_Digest=digest)
        if what == "redirect":
            return self.answer(307, Location=self.path.replace("/redirect/", "/fine/"))
        if what == "loop":
            return self.answer(307, Location=self.path)
        if what == "stall":
            self.answer(200, body[:100], Content_Length=str(len(body)))
            return forever.wait()
        if what == "truncate":
            self.answer(200, body[: len(body) // 2], Content_Length=str(len(body)))
            return self.connection.close()
        if what == "size":
            body += b"more"
        if what == "digest":
            body = body[:-1] + bytes([body[-1] ^ 1])
        return self.answer(200, body, Content_Type="application/octet-stream")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Registry)
with open(sys.argv[2] + ".new", "w", encoding="utf-8") as handle:
    handle.write(str(server.server_port))
os.rename(sys.argv[2] + ".new", sys.argv[2])
server.serve_forever()
