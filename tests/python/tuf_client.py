"""Refreshes from a TUF repository with python-tuf, starting from a given Root, and downloads one target. A folder that was
used before holds what it trusts since.

usage: tuf_client.py ROOT URL TARGET FOLDER

Prints the versions it ended with and the SHA-256 of what it downloaded. Fails if python-tuf refuses anything.
"""

import hashlib
import json
import pathlib
import sys

from tuf.ngclient import Updater

root, url, target, folder = sys.argv[1:]
folder = pathlib.Path(folder)
(folder / "metadata").mkdir(parents=True, exist_ok=True)
(folder / "targets").mkdir(exist_ok=True)

updater = Updater(
    metadata_dir=str(folder / "metadata"),
    metadata_base_url=f"{url}/metadata/",
    target_dir=str(folder / "targets"),
    target_base_url=f"{url}/targets/",
    bootstrap=pathlib.Path(root).read_bytes(),
)
updater.refresh()
info = updater.get_targetinfo(target)
if info is None:
    sys.exit(f"there is no target {target}")
path = pathlib.Path(updater.download_target(info))

for role in ("root", "timestamp", "snapshot", "targets"):
    file = json.loads((folder / "metadata" / f"{role}.json").read_bytes())
    print(role, file["signed"]["version"])
print("sha256", hashlib.sha256(path.read_bytes()).hexdigest())
