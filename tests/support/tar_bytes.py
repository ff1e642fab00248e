"""Tar archives byte by byte, so that a test can write what no tar program would."""
import struct

BLOCK = 512


def octal(number, width):
    return b"%0*o\0" % (width - 1, number)


def base256(number, width):
    """GNU's binary numbers: negative and large ones."""
    return bytes([0x80 if number >= 0 else 0xFF]) + (number & (1 << 8 * (width - 1)) - 1).to_bytes(width - 1, "big")


def header(name, kind=b"0", size=0, link=b"", mode=0o644, uid=0, gid=0, mtime=1000, major=0, minor=0,
           checksum=None, magic=b"ustar\x0000", prefix=b"", tail=b""):
    """One header block. Numbers may be given as ready bytes."""
    def number(value, width):
        return value if isinstance(value, bytes) else octal(value, width)
    fields = [name[:100].ljust(100, b"\0"), number(mode, 8), number(uid, 8), number(gid, 8), number(size, 12),
              number(mtime, 12), b" " * 8, kind, link[:100].ljust(100, b"\0"), magic, b"root".ljust(32, b"\0"),
              b"root".ljust(32, b"\0"), number(major, 8), number(minor, 8), prefix.ljust(155, b"\0")]
    block = bytearray(b"".join(fields).ljust(BLOCK, b"\0"))
    if tail:
        block[386:386 + len(tail)] = tail
    total = sum(block) if checksum is None else checksum
    block[148:156] = b"%06o\0 " % total
    return bytes(block)


def padded(data):
    return data + b"\0" * (-len(data) % BLOCK)


def file(name, data=b"x", **fields):
    return header(name, b"0", len(data), **fields) + padded(data)


def folder(name, **fields):
    return header(name, b"5", mode=fields.pop("mode", 0o755), **fields)


def symlink(name, target, **fields):
    return header(name, b"2", link=target, **fields)


def hardlink(name, target, **fields):
    return header(name, b"1", link=target, **fields)


def record(key, value):
    """One record of a pax header, which begins with its own length."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def pax(records, kind=b"x"):
    data = b"".join(record(key, value) for key, value in records)
    return header(b"pax", kind, len(data)) + padded(data)


def long_name(name, kind=b"L"):
    return header(b"././@LongLink", kind, len(name) + 1, magic=b"ustar  \0") + padded(name + b"\0")


END = b"\0" * (2 * BLOCK)


def acl(*entries):
    """The kernel's form of an ACL: (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
