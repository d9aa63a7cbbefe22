"""Flashes a Secondary over CAN with python-can, can-isotp and udsoncan, as docs/can.md describes it.

usage: can_tester.py INTERFACE classical|fd FOLDER

FOLDER holds targets.json, image.bin, activate.json and commit.json, and gets identity.bin and report.json.
Prints the bytes of the image, and the seconds that sending it took. Fails if anything is refused.
"""

import pathlib
import sys
import time

import can
import isotp
import udsoncan
from udsoncan.client import Client
from udsoncan.connections import PythonIsoTpConnection

PROGRAMMING = 0x02
IDENTITY, NONCE, REPORT = 0xFD00, 0xFD02, 0xFD03
BEGIN, CLOSE = 0xF001, 0xF002
TARGETS, IMAGE, COMMAND = 0x50, 0x60, 0x70
HEALTHY, COMMITTED = 4, 5
TRANSACTION = (1 << 64).to_bytes(16, "big")


class Bytes(udsoncan.DidCodec):
    """Data identifiers of any length, as they are."""

    def encode(self, value):
        return value

    def decode(self, data):
        return data

    def __len__(self):
        raise udsoncan.DidCodec.ReadAllRemainingData


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what} is {got!r} and should be {wanted!r}")


def send(client, kind, data):
    """34, 36, 37 and the check of what was sent."""
    place = udsoncan.MemoryLocation(kind << 56, len(data), address_format=64, memorysize_format=64)
    most = client.request_download(place).service_data.max_length - 2
    for number, at in enumerate(range(0, len(data), most), start=1):
        taken = client.transfer_data(number % 256, data[at : at + most])
        held = int.from_bytes(taken.service_data.parameter_records, "big")
        expect("the offset", held, min(at + most, len(data)))
    client.request_transfer_exit()
    outcome = client.start_routine(CLOSE).service_data.routine_status_record
    expect(f"the outcome of {kind:02x}", outcome, b"\x00")


def identity(client):
    """Verification, phase and digest of the running image."""
    data = client.read_data_by_identifier(IDENTITY).service_data.values[IDENTITY]
    expect("the format of an identity", data[0], 1)
    return data, data[2], data[35:67]


def open_transaction(client):
    client.change_session(PROGRAMMING)
    outcome = client.start_routine(BEGIN, TRANSACTION).service_data.routine_status_record
    expect("the outcome of begin", outcome, b"\x00")


def command(client, file, phase):
    client.change_session(PROGRAMMING)
    send(client, COMMAND, file)
    expect("the phase", identity(client)[1], phase)


def flash(client, folder):
    image = (folder / "image.bin").read_bytes()
    open_transaction(client)
    send(client, TARGETS, (folder / "targets.json").read_bytes())
    start = time.monotonic()
    send(client, IMAGE, image)
    print("bytes", len(image))
    print("seconds", round(time.monotonic() - start, 2))
    command(client, (folder / "activate.json").read_bytes(), HEALTHY)
    command(client, (folder / "commit.json").read_bytes(), COMMITTED)
    (folder / "identity.bin").write_bytes(identity(client)[0])
    client.write_data_by_identifier(NONCE, bytes(range(16)))
    report = client.read_data_by_identifier(REPORT).service_data.values[REPORT]
    (folder / "report.json").write_bytes(report)


def main():
    interface, framing, folder = sys.argv[1:]
    fd = framing == "fd"
    bus = can.Bus(interface="socketcan", channel=interface, fd=fd)
    address = isotp.Address(isotp.AddressingMode.Normal_11bits, txid=0x7E0, rxid=0x7E8)
    params = {"tx_data_length": 64 if fd else 8, "can_fd": fd, "bitrate_switch": fd, "tx_padding": 0xCC}
    # Python is slower than the bus it talks on: the Secondary is asked to wait for it now and then.
    params |= {"blocksize": 32, "stmin": 0, "max_frame_size": 4095}
    connection = PythonIsoTpConnection(isotp.CanStack(bus, address=address, params=params))
    config = dict(udsoncan.configs.default_client_config)
    config["data_identifiers"] = {IDENTITY: Bytes, NONCE: Bytes, REPORT: Bytes}
    # A loaded machine is slower than an ECU.
    config |= {"request_timeout": 60, "p2_timeout": 5, "p2_star_timeout": 30, "use_server_timing": False}
    with Client(connection, config=config) as client:
        flash(client, pathlib.Path(folder))
    bus.shutdown()


main()
