"""Exchanges messages over the ISO-TP of the kernel (CAN_ISOTP), which checks the padding of all it takes.

usage: kernel_isotp.py --send ID --receive ID [--to ADDRESS --own ADDRESS] [--block N] [--fd] INTERFACE FOLDER MESSAGES

IDs and addresses are hexadecimal, an ID of 29 bits has bit 31 set. FOLDER holds kernels.bin, which is sent, and ours.bin,
which has to come: so many MESSAGES of one length each. The first that comes starts what is sent. Prints `listening`, and in
the end the messages that came, their bytes, and how many of them were not as they should be.
"""

import argparse
import pathlib
import socket
import struct
import threading

SOL_CAN_ISOTP = socket.SOL_CAN_BASE + socket.CAN_ISOTP
# linux/can/isotp.h
OPTIONS, FLOW_CONTROL, LINK_LAYER = 1, 2, 5
EXTENDED, PAD, PADDED, CHECK_LENGTH, CHECK_PADDING, EXTENDED_RECEIVED, WAIT_TILL_SENT = 2, 4, 8, 0x10, 0x20, 0x200, 0x400
PADDING = 0xCC
BIT_RATE_SWITCH, FD_MTU, FD_LENGTH = 1, 72, 64
SECONDS = 300


def arguments():
    def number(text):
        return int(text, 16)

    parser = argparse.ArgumentParser()
    parser.add_argument("--send", type=number, required=True)
    parser.add_argument("--receive", type=number, required=True)
    parser.add_argument("--to", type=number)
    parser.add_argument("--own", type=number, default=0)
    parser.add_argument("--block", type=int, default=0)
    parser.add_argument("--fd", action="store_true")
    parser.add_argument("interface")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("messages", type=int)
    return parser.parse_args()


def bound(given):
    """A socket that waits until a message has left, and fails if it did not."""
    end = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_ISOTP)
    flags = PAD | PADDED | CHECK_LENGTH | CHECK_PADDING | WAIT_TILL_SENT
    if given.to is not None:
        flags |= EXTENDED | EXTENDED_RECEIVED
    options = struct.pack("=IIBBBB", flags, 0, given.to or 0, PADDING, PADDING, given.own)
    end.setsockopt(SOL_CAN_ISOTP, OPTIONS, options)
    end.setsockopt(SOL_CAN_ISOTP, FLOW_CONTROL, struct.pack("BBB", given.block, 0, 0))
    if given.fd:
        end.setsockopt(SOL_CAN_ISOTP, LINK_LAYER, struct.pack("BBB", FD_MTU, FD_LENGTH, BIT_RATE_SWITCH))
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SECONDS, 0))
    end.bind((given.interface, given.receive, given.send))
    return end


def messages(file, count):
    length = len(file) // count
    return [file[at : at + length] for at in range(0, len(file), length)]


def main():
    given = arguments()
    ours = messages((given.folder / "ours.bin").read_bytes(), given.messages)
    kernels = messages((given.folder / "kernels.bin").read_bytes(), given.messages)
    failed = []

    def send(end):
        try:
            for message in kernels:
                end.send(message)
        except OSError as error:
            failed.append(error)

    with bound(given) as end:
        print("listening", flush=True)
        came = [end.recv(1 << 16)]
        sender = threading.Thread(target=send, args=[end])
        sender.start()
        while len(came) < len(ours):
            came.append(end.recv(1 << 16))
        sender.join()
    if failed:
        raise failed[0]
    print("kernels-messages", len(came))
    print("kernels-bytes", sum(map(len, came)))
    print("kernels-mismatches", sum(got != sent for got, sent in zip(came, ours)))


main()
