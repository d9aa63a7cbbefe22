"""Measures python-tuf as the program `peers` measures the clients it links.

usage: refresh.py measure|prepare MEASUREMENT METADATA SCRATCH CORE MILLISECONDS RUNS

Prints the samples as JSON. Time begins after the imports. python-tuf always stores what it verified, and an Updater
refreshes once: a warm refresh is a new Updater on what the last one stored.
"""

import json
import os
import pathlib
import shutil
import sys
import time

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

STARTED = time.perf_counter_ns(), time.process_time_ns()

TARGET = "images/line-007/unit-0000007/firmware-0000000d889.bin"
MAX_FILE = 64 * 1024 * 1024


class Source(FetcherInterface):
    """A repository that answers at once, from memory or from its folder."""

    def __init__(self, folder, in_memory):
        self.folder = folder
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()} if in_memory else None

    def _fetch(self, url):
        file = self.read(url.rsplit("/", 1)[1])
        if file is None:
            raise DownloadHTTPError("there is no such file", 404)
        return iter([file])

    def read(self, name):
        if self.files is not None:
            return self.files.get(name)
        path = self.folder / name
        return path.read_bytes() if path.exists() else None


def refresh(source, store):
    config = UpdaterConfig(targets_max_length=MAX_FILE, max_root_rotations=1024)
    root = source.read("1.root.json")
    updater = Updater(str(store), "memory:///", fetcher=source, config=config, bootstrap=root)
    updater.refresh()
    return updater


def check(updater):
    target = updater.get_targetinfo(TARGET)
    if target is None or target.length != 10_007:
        sys.exit(f"the target is {target}")


def peak_kib():
    # Not ru_maxrss, which begins with the memory of the process that started this one.
    status = pathlib.Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def repeat(measurement, metadata, scratch, at_least, runs):
    source = Source(metadata, in_memory=True)
    wall, cpu = [], []
    begun = time.perf_counter_ns()
    if measurement == "warm":
        refresh(source, scratch)
    while len(wall) < runs or time.perf_counter_ns() - begun < at_least:
        store = scratch if measurement == "warm" else scratch / "store"
        store.mkdir(exist_ok=measurement == "warm")
        start = time.perf_counter_ns(), time.process_time_ns()
        updater = refresh(source, store)
        if measurement == "look-up":
            check(updater)
        wall.append(time.perf_counter_ns() - start[0])
        cpu.append(time.process_time_ns() - start[1])
        if store != scratch:
            shutil.rmtree(store)
    check(updater)
    return {"wall": wall, "cpu": cpu, "peak_kib": peak_kib()}


def once(metadata, store):
    updater = refresh(Source(metadata, in_memory=False), store)
    end = time.perf_counter_ns(), time.process_time_ns()
    peak = peak_kib()
    check(updater)
    return {"wall": [end[0] - STARTED[0]], "cpu": [end[1] - STARTED[1]], "peak_kib": peak}


def main():
    verb, measurement, metadata, scratch, core, milliseconds, runs = sys.argv[1:]
    metadata, scratch = pathlib.Path(metadata), pathlib.Path(scratch)
    os.sched_setaffinity(0, {int(core)})
    if verb == "prepare":
        refresh(Source(metadata, in_memory=False), scratch)
    elif measurement in ("restart", "memory"):
        print(json.dumps(once(metadata, scratch)))
    else:
        print(json.dumps(repeat(measurement, metadata, scratch, int(milliseconds) * 1_000_000, int(runs))))


main()
