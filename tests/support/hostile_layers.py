#!/usr/bin/env python3
"""hostile_layers.py --table | UNPACKER FOLDER [ID…]: layers that mean harm, each unpacked by pausa-unpack.

Of each it is looked at: refused with the right words, or unpacked to what is expected; nothing changed
outside of its folder; not more than 64 MiB of memory. --table prints docs/hostile-layers.md.
"""
import gzip
import hashlib
import os
import re
import resource
import stat
import subprocess
import sys
import time
import zlib

from tar_bytes import (BLOCK, END, acl, base256, file, folder, hardlink, header, long_name, octal, padded, pax,
                       symlink)

MOST_MEMORY = 64 << 20
PATIENCE = 120  # seconds until a hanging unpacker is killed; no measure
CASES = []
ACL = acl((1, 7, 0xFFFFFFFF), (2, 5, 77), (4, 5, 0xFFFFFFFF), (16, 5, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF))


def case(ids, what, expected, blob=None, diff=None, **more):
    """expected: ("refused", REGEX) or ("unpacked", WHAT, CHECK(root) or None). blob(FILE) writes it;
    bytes are a tar without its end."""
    CASES.append({"id": ids, "what": what, "expected": expected, "blob": blob, **more})


def refused(words):
    return ("refused", words)


def unpacked(words, check=None):
    return ("unpacked", words, check)


def either(words, refusal="."):
    return ("either", words, refusal)


# ---- what is looked at in an unpacked layer


def has(*paths):
    def check(root):
        for path in paths:
            assert os.path.lexists(os.path.join(root, os.fsencode(path))), f"{path} is not there"
    return check


def lacks(*paths):
    def check(root):
        for path in paths:
            assert not os.path.lexists(os.path.join(root, os.fsencode(path))), f"{path} is there"
    return check


def holds(path, text):
    def check(root):
        with open(os.path.join(root, os.fsencode(path)), "rb") as handle:
            assert handle.read() == text, f"{path} holds something else"
    return check


def both(*checks):
    def check(root):
        for one in checks:
            one(root)
    return check


def attributes(path, names):
    def check(root):
        found = sorted(os.listxattr(os.path.join(root, os.fsencode(path)), follow_symlinks=False))
        assert found == sorted(names), f"{path} has {found}"
    return check


def that(path, claim, question):
    def check(root):
        assert question(os.lstat(os.path.join(root, os.fsencode(path)))), f"{path}: {claim}"
    return check


# ---- blobs that are more than a tar


def write(*parts):
    def blob(target):
        for part in parts:
            target.write(part)
    return blob


def repeated(make, count, before=b"", after=END):
    """Gzip, written piece by piece: this program's own memory stays small."""
    def blob(target):
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        target.write(packer.compress(before))
        pile = []
        for i in range(count):
            pile.append(make(i))
            if len(pile) == 256:
                target.write(packer.compress(b"".join(pile)))
                pile.clear()
        target.write(packer.compress(b"".join(pile) + after) + packer.flush())
    return blob


def members(make, count, times):
    """The same gzip member again and again, the last one with an end."""
    def blob(target):
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        member = b"".join(packer.compress(b"".join(make(i) for i in range(at, at + 500))) for at in range(0, count, 500))
        member += packer.flush()
        for _ in range(times):
            target.write(member)
        target.write(gzip.compress(END))
    return blob


def zeros(mebibytes, before=b""):
    """Gzip of many zeros: one small member again and again."""
    def blob(target):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        member = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(64)) + packer.flush()
        target.write(gzip.compress(before, mtime=0))
        for _ in range(mebibytes // 64):
            target.write(member)
    return blob


def zstd_with_window(log):
    # Magic, a frame header that asks for this window, and one raw block of zeros.
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([(log - 10) << 3])
    return frame + (1 | 1024 << 3).to_bytes(3, "little") + b"\0" * 1024


def foreign(magic):
    return write(magic + b"j" * 3000)


X = b"x"
deep = b"d/" * 100_000
victim = b"/victim-of-a-layer"

case("L01", "a path that leads upwards: `../../victim`", refused("leads upwards"), file(b"../../victim"))
case("L02", "an absolute path", unpacked("it is seen from the layer's root", has("victim")), file(b"/victim"))
case("L03", "a path that leads upwards further on: `a/../../victim`", refused("leads upwards"), file(b"a/../../victim"))
case("L04", "a link to `/`, then a file through it", unpacked("the file is in the layer", has("victim-of-a-layer")),
     symlink(X, b"/") + file(b"x/victim-of-a-layer"))
case("L05a", "a link to `../../..`, then a file through it", unpacked("the file is in the layer", has("victim")),
     symlink(X, b"../../..") + file(b"x/victim"))
case("L05b", "the file alone, as the layer above the link", unpacked("a folder hides the link", has("x/victim")),
     file(b"x/victim"))
case("L06a", "a link out, a hard link to the link, a file at the hard link's place",
     unpacked("the file replaces it", both(holds("h", b"new"), that("h", "a file", lambda s: stat.S_ISREG(s.st_mode)))),
     symlink(b"l", victim) + hardlink(b"h", b"l") + file(b"h", b"new"))
case("L06b", "a link out, a hard link through the link's folder", refused("which this layer does not have"),
     symlink(b"l", b"/") + hardlink(b"h", b"l/etc/passwd"))
case("L07a", "a hard link to `/etc/shadow`", refused("which this layer does not have"), hardlink(b"h", b"/etc/shadow"))
case("L07b", "a hard link to `../victim`", refused("leads upwards"), hardlink(b"h", b"../victim"))
case("L07c", "a hard link to what only a lower layer has", refused('"lower/file", which this layer does not have'),
     hardlink(b"h", b"lower/file"))
case("L07d", "a hard link to a folder", refused("not permitted"), folder(b"d") + hardlink(b"h", b"d"))
case("L07e", "a hard link to itself", refused("a hard link to itself"), hardlink(b"h", b"h"))
case("L08", "a hard link that carries data", either("the data counts for nothing"),
     file(b"f", b"old") + header(b"h", b"1", 512, b"f") + b"n" * BLOCK)
case("L09a", "a file takes a folder's place, and a folder the file's", unpacked("the last one stands", holds("a/f", b"2")),
     folder(b"a") + file(b"a/f", b"1") + file(b"a", b"file") + folder(b"a") + file(b"a/f", b"2"))
case("L09b", "a link takes the place of a folder with contents, a file goes through it",
     unpacked("into the folder that it leads to, inside", both(holds("b/f", b"2"), lacks("b/g"))),
     folder(b"b") + folder(b"a") + file(b"a/g", b"1") + symlink(b"a", b"/b") + file(b"a/f", b"2"))
case("L10a", "mode, time and attributes for a link that leads out",
     unpacked("they are the link's or nobody's", that("l", "its time", lambda s: s.st_mtime == 77)),
     pax([(b"SCHILY.xattr.user.a", b"b"), (b"SCHILY.xattr.security.capability", b"\1\0\0\2" + b"\xff" * 16)])
     + symlink(b"l", victim, mode=0o777, mtime=77))
case("L10b", "a folder at the place of a link that leads out",
     unpacked("the folder replaces the link", that("l", "a folder", lambda s: stat.S_ISDIR(s.st_mode))),
     symlink(b"l", victim) + folder(b"l", mode=0o777))
for name in (b".wh.", b".wh..", b".wh...", b"d/.wh.."):
    case("L11a", f"a whiteout of nothing: `{name.decode()}`", refused("whites out nothing"), file(name, b""))
for name in (b".wh./x", b".wh.a/b"):
    case("L11b", f"a path through a whiteout: `{name.decode()}`", refused("below a whiteout"), file(name, b""))
case("L12a", "an opaque mark in a linked folder", unpacked("the folder inside is marked", has("b")),
     folder(b"b") + symlink(b"a", b"/b") + file(b"a/.wh..wh..opq", b""), opaque=b"a\0")
case("L12b", "an opaque mark for the root", unpacked("the root is marked"), file(b".wh..wh..opq", b""), opaque=b"\0")
case("L12c", "an opaque mark in a folder that leads out", refused("No such file"),
     symlink(b"a", b"/no/such/folder") + file(b"a/.wh..wh..opq", b""))
case("L13a", "a forged whiteout: the character device 0:0", refused("device node 0:0"), header(b"w", b"3"))
case("L13b", "overlay's attributes", unpacked("they are dropped", attributes("d", ["user.note"])),
     pax([(b"SCHILY.xattr.trusted.overlay.redirect", b"/etc"), (b"SCHILY.xattr.trusted.overlay.opaque", b"y"),
          (b"SCHILY.xattr.user.overlay.opaque", b"y"), (b"SCHILY.xattr.user.overlay.metacopy", b""),
          (b"SCHILY.xattr.user.note", b"kept")]) + folder(b"d"))
case("L14a", "a file called `.`", refused("only a directory can be the root"), file(b"."))
case("L14b", "a folder called `..`", refused("leads upwards"), folder(b".."))
case("L14c", "a file without a name", either("nothing is there", "root|name|[Dd]amaged"), file(b""))
case("L14d", "folders called `/` and `//`", unpacked("they are the root", that("", "its mode", lambda s: stat.S_IMODE(s.st_mode) == 0o750)),
     folder(b"//") + folder(b"/", mode=0o750))
case("L14e", "a file with a slash at its end", either("it is a folder", "ends with a slash"), file(b"f/", b""))
case("L15a", "names of unprintable bytes", unpacked("byte by byte", has(b"a\nb\x1b[31m\xff")), file(b"a\nb\x1b[31m\xff"))
case("L15b", "a name with a zero byte, by pax", either("it ends there", "zero byte"), pax([(b"path", b"a\0b")]) + file(b"a"))
case("L15c", "a name of 255 bytes", unpacked("it is kept", has("n" * 255)), pax([(b"path", b"n" * 255)]) + file(b"n"))
case("L15d", "a name of 256 bytes", refused("longer than 255 bytes"), pax([(b"path", b"n" * 256)]) + file(b"n"))
case("L15e", "an unprintable name that is refused", refused(r'"\.\./\\x1b\[31m\\x0a"'), file(b"../\x1b[31m\n"))
case("L16a", "a path of more than 4,096 bytes", refused("longer than 4096 bytes"),
     pax([(b"path", b"p/" * 2049)]) + file(b"p"))
case("L16b", "100,000 folders deep", refused("longer than 4096 bytes"), pax([(b"path", deep)]) + folder(b"d"))
case("L16c", "256 folders deep", refused("deeper than 255"), pax([(b"path", b"d/" * 256)]) + folder(b"d"))
case("L17a", "a disk", refused("device node 8:0"), header(b"sda", b"4", major=8))
case("L17b", "the machine's memory", refused("device node 1:1"), header(b"mem", b"3", major=1, minor=1))
case("L17c", "a FIFO", unpacked("it is kept", that("f", "a FIFO", lambda s: stat.S_ISFIFO(s.st_mode))), header(b"f", b"6"))
case("L17d", "the null device", unpacked("it is left out: containers have a /dev of their own", lacks("dev/null")),
     header(b"dev/null", b"3", major=1, minor=3))
case("L17e", "an entry of an unknown type", either("it is a file", "."), header(b"s", b"Z"))
case("L18", "set-user-ID and set-group-ID", unpacked("kept; the library's folder is root's alone",
     both(that("s", "its mode", lambda s: stat.S_IMODE(s.st_mode) == 0o6755), that("s", "its owner", lambda s: s.st_uid == 7))),
     file(b"s", mode=0o6755, uid=7))
case("L19a", "capabilities of a foreign user namespace", unpacked("the namespace is cut off", attributes("f", ["security.capability"])),
     pax([(b"SCHILY.xattr.security.capability", b"\0\0\0\3" + b"\0" * 16 + b"\x2a\0\0\0")]) + file(b"f"))
case("L19b", "labels, ACLs that are none, capabilities that are none", unpacked("they are dropped", attributes("f", [])),
     pax([(b"SCHILY.xattr.security.selinux", b"x"), (b"SCHILY.xattr.system.posix_acl_access", b"x"),
          (b"SCHILY.xattr.security.capability", b"x"), (b"SCHILY.xattr.security.ima", b"x")]) + file(b"f"))
case("L19c", "well-formed ACLs", unpacked("they are kept", both(attributes("d", ["system.posix_acl_access", "system.posix_acl_default"]),
     attributes("d/f", []))),
     pax([(b"SCHILY.xattr.system.posix_acl_access", ACL), (b"SCHILY.acl.default", b"user::rwx,user:lisa:r-x:77,group::r-x,mask::r-x,other::---")])
     + folder(b"d") + file(b"d/f"))
case("L20a", "the user id 2^32-1", refused("user id 4294967295"), file(b"f", uid=base256(0xFFFFFFFF, 8)))
case("L20b", "the group id 2^40", refused("group id"), file(b"f", gid=base256(1 << 40, 8)))
case("L20c", "a negative user id", refused("user id -1"), file(b"f", uid=base256(-1, 8)))
case("L20d", "the user id 2^31", unpacked("it is one on the host", that("f", "its owner", lambda s: s.st_uid == 1 << 31)),
     file(b"f", uid=base256(1 << 31, 8)))
for value in (b"-9223372036854775808", b"9223372036854775807", b"nan"):
    case("L21", f"the time {value.decode()}, by pax", unpacked("what the disk can have", has("f")), pax([(b"mtime", value)]) + file(b"f"))
case("L23a", "a bomb: 20 GiB of zeros in one file", refused("beyond the layer's limit|exceeds its limit"),
     zeros(1024, header(b"f", size=base256(20 << 30, 12))))
case("L23b", "a bomb behind the archive's end", refused("exceeds its limit"), zeros(2048, file(b"f") + END))
case("L24a", "a file of 8 EiB", refused("."), header(b"f", size=base256((1 << 63) - 1, 12)))
case("L24b", "a file of negative size", refused("."), header(b"f", size=base256(-512, 12)))
case("L24c", "a sparse file of 8 EiB, by pax", refused("."),
     pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"f"),
          (b"GNU.sparse.realsize", b"9223372036854775807")]) + file(b"f", padded(b"1\n9223372036854775295\n512\n") + b"y" * 512))
case("L24d", "a sparse map without end", refused("."),
     pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"f"),
          (b"GNU.sparse.realsize", b"1024")]) + file(b"f", padded(b"99999999999999999999\n" * 400)))
case("L24e", "a sparse file whose map goes backwards", either("within its size", "."),
     pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"f"),
          (b"GNU.sparse.realsize", b"100")]) + file(b"f", padded(b"2\n5000\n100\n0\n100\n") + b"y" * 512))
case("L24f", "an old sparse file", unpacked("its holes are holes", that("f", "its size", lambda s: s.st_size == 10 << 20 and s.st_blocks < 100)),
     header(b"f", b"S", 512, magic=b"ustar  \0",
            tail=octal((10 << 20) - 512, 12) + octal(512, 12) + b"\0" * 72 + b"\0" + octal(10 << 20, 12)) + b"y" * BLOCK)
case("L25a", "more files than a layer of its size may have", refused("entries"),
     repeated(lambda i: header(b"%d" % (i % 1000)), 80_000))
case("L25b", "a folder for every name", refused("entries"), repeated(lambda i: header(b"d%06d/" % i, b"5"), 80_000))
case("L25c", "opaque marks without end", refused("too many opaque folders"),
     repeated(lambda i: pax([(b"path", b"%0250d/%s/.wh..wh..opq" % (i, b"o" * 250))]) + file(b"o", b""), 10_000))
case("L25d", "5,000,000 files", refused("entries"), members(lambda i: header(b"d%02d/f%03d" % divmod(i, 1000)), 50_000, 100))
case("L26a", "100,000 pax headers before one entry", refused("."), repeated(lambda i: pax([(b"comment", b"c")]), 100_000))
case("L26b", "a pax record of 1 GiB", refused("."), zeros(1024, header(b"pax", b"x", size=1 << 30)))
case("L26c", "100,000 global pax headers", either("they say nothing", "."), repeated(lambda i: pax([(b"comment", b"c")], b"g"), 100_000))
case("L26d", "pax headers for every entry, a thousand attributes each", either("only some are kept", "."),
     repeated(lambda i: pax([(b"SCHILY.xattr.user.%d" % n, b"v") for n in range(1000)]) + file(b"f%d" % i), 20))
case("L27", "GNU long names without end", refused("."), repeated(lambda i: long_name(b"n" * 200), 100_000))
case("L28a", "cut off in a header", refused("[Tt]runcated|cut off|[Dd]amaged"), write(file(b"f") + header(b"g")[:300]))
case("L28b", "cut off in a file", refused("[Tt]runcated|cut off"), write(header(b"f", size=4096) + b"y" * 1000))
case("L28c", "no blocks of zeros at its end", unpacked("it is whole", has("f")), write(file(b"f")))
case("L28d", "bytes behind its end", unpacked("they count in the digest alone", lacks("g")), write(file(b"f") + END + file(b"g")))
case("L28e", "many zeros behind its end", unpacked("they are nothing", has("f")), write(file(b"f") + END + b"\0" * 100_000))
case("L29a", "a wrong checksum in a header", refused("."), header(b"f", checksum=1))
case("L29b", "nothing but zeros", unpacked("an empty layer"), write(b"\0" * 10240))
case("L29c", "no byte at all", unpacked("an empty layer"), write(b""))
case("L30a", "two gzip members", unpacked("they are one after the other", has("f", "g")),
     write(gzip.compress(file(b"f"), mtime=0), gzip.compress(file(b"g") + END, mtime=0)))
case("L30b", "junk behind the gzip data", refused("."), write(gzip.compress(file(b"f") + END, mtime=0), b"junk"))
case("L30c", "zstd with a window of 2 GiB", refused("zstd"), write(zstd_with_window(31)))
for name, magic in (("xz", b"\xfd7zXZ\0"), ("rar", b"Rar!\x1a\x07\x00"), ("7z", b"7z\xbc\xaf\x27\x1c"), ("zip", b"PK\3\4"),
                    ("bzip2", b"BZh9"), ("lzip", b"LZIP"), ("cpio", b"070701"), ("ar", b"!<arch>\n")):
    case("L31", name, refused("unsupported compression"), foreign(magic))
case("L33a", "another blob than its digest says", refused("the layer's blob has the digest"), file(b"f"), digest="sha256:" + "0" * 64)
case("L33b", "another tar than its diff_id says", refused("the unpacked layer has the digest"), file(b"f"), diff_id="sha256:" + "0" * 64)
for digest in ("sha256:../../x", "sha256:" + "A" * 64, "md5:" + "0" * 32, "sha256:"):
    case("L36", f"the digest `{digest[:20]}`", refused("malformed digest"), file(b"f"), digest=digest)


# ---- the looking


def tree(path, leave_out):
    """Everything below a folder but one, as text."""
    found = []
    for folder_path, names, files in os.walk(path):
        names[:] = [name for name in names if os.path.join(folder_path, name) != leave_out]
        for name in names + files:
            info = os.lstat(os.path.join(folder_path, name))
            found.append((os.path.join(folder_path, name), info.st_mode, info.st_uid, info.st_size, info.st_nlink,
                          info.st_mtime_ns if stat.S_ISREG(info.st_mode) else 0))
    return sorted(found)


def outside():
    """What the layers aim at on this machine."""
    return [os.path.lexists(path) for path in ("/victim", os.fsdecode(victim), "/tmp/victim", "/tmp/x")] + [
        (info.st_nlink, info.st_size, info.st_mode, info.st_mtime_ns)
        for info in (os.stat(path) for path in ("/etc/passwd", "/etc/shadow"))]


def digest_of(path, plain):
    """Of the blob, or of what gzip makes of it, as far as it can be had."""
    total = hashlib.sha256()
    with open(path, "rb") as source:
        packed = source.read(2) == b"\x1f\x8b"
        source.seek(0)
        if packed and plain:
            try:
                with gzip.open(source) as inner:
                    for _ in range(4096):  # bombs need no digest
                        piece = inner.read(1 << 16)
                        if not piece:
                            break
                        total.update(piece)
            except (OSError, EOFError, zlib.error):
                pass
        else:
            while piece := source.read(1 << 16):
                total.update(piece)
    return "sha256:" + total.hexdigest()


def unpack(unpacker, one, work):
    blob_path, layer = os.path.join(work, "blob"), os.path.join(work, "staging", "layer")
    os.makedirs(layer)
    with open(blob_path, "wb") as target:
        make = one["blob"]
        if isinstance(make, bytes):
            make = write(make, END)
        make(target)
    words = [unpacker, one.get("digest") or digest_of(blob_path, False), one.get("diff_id") or digest_of(blob_path, True)]
    before = (tree(work, layer), outside())
    begin = time.monotonic()
    with open(blob_path, "rb") as blob, open(os.path.join(work, "..", "words"), "w+b") as errors, \
            open(os.path.join(work, "..", "list"), "w+b") as output:
        folder_fd = os.open(layer, os.O_RDONLY | os.O_DIRECTORY)
        # (Its high-water mark of memory begins with ours: exec(2) keeps it. So nothing here is large.)
        child = subprocess.Popen(["sh", "-c", f'exec "$@" 3<&{folder_fd}', "sh"] + words, stdin=blob, stdout=output,
                                 stderr=errors, pass_fds=[folder_fd], env={})
        os.close(folder_fd)
        deadline = time.monotonic() + PATIENCE
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                child.kill()
                deadline += 10
            time.sleep(0.001)
        child.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        output.seek(0)
        said, listed = errors.read().decode(errors="backslashreplace"), output.read()
    took = time.monotonic() - begin
    problems = []
    if (tree(work, layer), outside()) != before:
        problems.append("something outside the layer changed")
    if usage.ru_maxrss << 10 > MOST_MEMORY:
        problems.append(f"it took {usage.ru_maxrss >> 10} MiB of memory")
    wanted = one["expected"][0]
    outcome = "unpacked" if child.returncode == 0 else "refused"
    if child.returncode not in (0, 1) or (outcome == "refused" and not re.fullmatch(r"[ -~\x80-\uffff]+\n", said)):
        problems.append(f"exit code {child.returncode}, and it said {said!r}")
    elif wanted not in (outcome, "either"):
        problems.append(f"it was {outcome}: {said.strip()}")
    elif outcome == "refused" and not re.search(one["expected"][-1] if wanted == "either" else one["expected"][1], said):
        problems.append(f"it said {said.strip()!r}")
    elif outcome == "unpacked" and wanted == "unpacked" and one["expected"][2]:
        try:
            one["expected"][2](os.fsencode(layer))
        except (AssertionError, OSError) as wrong:
            problems.append(str(wrong))
    if "opaque" in one and listed != one["opaque"]:
        problems.append(f"opaque: {listed!r}")
    print(f"{one['id']:5} {outcome:8} {took * 1000:6.0f} ms {usage.ru_maxrss >> 10:3} MiB  {one['what']}"
          + (f": {said.strip()[:150]}" if outcome == "refused" else ""), flush=True)
    return problems


def table():
    print("# Layers that mean harm\n")
    print("What `pausa-unpack` makes of each is looked at by `tests/integration/hostile-layers.sh`: nothing outside of the layer's folder changes,")
    print("and it never takes more than 64 MiB of memory. What is refused is refused by name, and with it the image. Made by")
    print("`tests/support/hostile_layers.py --table`.\n")
    print("| | layer | outcome |\n|---|---|---|")
    for one in CASES:
        expected = one["expected"]
        outcome = {"refused": "refused", "unpacked": f"unpacked: {expected[1]}", "either": f"unpacked ({expected[1]}) or refused"}[expected[0]]
        print(f"| {one['id']} | {one['what']} | {outcome} |")


def main():
    if sys.argv[1:] == ["--table"]:
        return table()
    unpacker, work, chosen = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    failed = 0
    for number, one in enumerate(CASES):
        if chosen and one["id"] not in chosen:
            continue
        place = os.path.join(work, f"case{number}")
        os.makedirs(place)
        for problem in unpack(unpacker, one, place):
            failed += 1
            print(f"FAILED: {one['id']}: {one['what']}: {problem}", flush=True)
        subprocess.run(["rm", "-rf", place], check=True)
    print(f"{len(CASES) if not chosen else 'some'} layers, {failed} problems")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
