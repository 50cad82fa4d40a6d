"""Reads a wheel: `metadata WHEEL`, or `extract WHEEL FOLDER keep|flat PATTERN...` (paths kept, or files alone).

Prints the METADATA text, or the files extracted, one a line. Reading a file to its end checks its sum.
"""

import fnmatch
import os
import shutil
import sys
import zipfile


def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith(".dist-info/METADATA")]
        sys.stdout.write(archive.read(name).decode("utf-8"))


def extract(wheel, folder, shape, *patterns):
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            name = entry.filename
            if entry.is_dir() or not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
                continue
            if ".." in name.split("/") or name.startswith("/"):
                raise ValueError(f"{name} leads out of the wheel")
            target = os.path.join(folder, name if shape == "keep" else os.path.basename(name))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with archive.open(entry) as source, open(target, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            print(name)


if __name__ == "__main__":
    {"metadata": metadata, "extract": extract}[sys.argv[1]](*sys.argv[2:])
