#!/usr/bin/env python3
"""tree.py FOLDER: every file below it with all that an image can say of it, a line each."""
import hashlib
import os
import stat
import sys

top = os.fsencode(sys.argv[1])
inodes = {}
for folder, names, files in os.walk(top):
    for name in sorted(names + files):
        path = os.path.join(folder, name)
        info = os.lstat(path)
        shown = path[len(top):].decode(errors="backslashreplace")
        words = [shown, stat.filemode(info.st_mode), f"{info.st_uid}:{info.st_gid}"]
        if not stat.S_ISDIR(info.st_mode):
            words += [str(info.st_size), f"first={inodes.setdefault(info.st_ino, shown)}"]
        if stat.S_ISREG(info.st_mode):
            with open(path, "rb") as source:
                words.append(hashlib.sha256(source.read()).hexdigest()[:16])
            words.append(str(int(info.st_mtime)))
        if stat.S_ISLNK(info.st_mode):
            words.append(repr(os.readlink(path)))
        for attribute in sorted(os.listxattr(path, follow_symlinks=False)):
            if not attribute.startswith(("trusted.overlay.", "user.overlay.", "user.containers.")):
                words.append(attribute + "=" + os.getxattr(path, attribute, follow_symlinks=False).hex())
        print(" ".join(words))
