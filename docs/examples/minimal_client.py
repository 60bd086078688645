"""A minimal client: connects to a pump as an observer and interrogates it. Not for clinical use.

    python minimal_client.py PORT PUMP_KEY_IN_HEX

Written from docs/protocol.md alone; needs pyserial, cobs, crcmod (or crcmod-plus) and cryptography.
"""
# ruff: noqa: T201 - an example prints

import hashlib
import os
import struct
import sys

import crcmod
import serial
from cobs import cobs
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RESET, RESET_ACK, DATA, FROM_PUMP = 1, 2, 3, 0x80
HELLO, HELLO_REPLY, PROVE, SEALED, INTERROGATE, CLOSE, OBSERVER = 0x01, 0x02, 0x03, 0x04, 0x10, 0x1F, 0
IDENTITY_REPORT, THERAPY_REPORT = 0x84, 0x86
STATES = ["unprogrammed", "stopped", "minimum rate", "simple continuous", "clinician bolus", "patient bolus"]
crc32 = crcmod.mkCrcFun(0x1F4ACFB13, initCrc=0, rev=True, xorOut=0xFFFFFFFF)


class Link:
    """Stop-and-wait: every frame is repeated until it is answered."""

    def __init__(self, port):
        self.port, self.received, self.epoch = port, b"", os.urandom(4)
        self.seq, _ = self.exchange(RESET, 0, self.epoch, RESET_ACK)

    def ask(self, record):
        """Send one record; return the record that answers it."""
        _, payload = self.exchange(DATA, self.seq, self.epoch + record, DATA)
        self.seq = (self.seq + 1) % 65536
        return payload[4:]

    def exchange(self, kind, seq, payload, expected):
        """Send a frame up to six times; return seq and payload of the answer."""
        checked = struct.pack("<BBHH", 1, kind, seq, len(payload)) + payload
        wire = b"\0" + cobs.encode(checked + struct.pack("<I", crc32(checked))) + b"\0"
        for wait in (0.5, 1, 2, 4, 4, 4):
            self.port.write(wire)
            self.port.timeout = wait
            while piece := self.port.read(max(1, self.port.in_waiting)):
                *pieces, self.received = (self.received + piece).split(b"\0")
                for answer_kind, answer_seq, answer in filter(None, map(unpack, pieces)):
                    right_seq = kind == RESET or answer_seq == seq
                    if answer_kind == FROM_PUMP | expected and answer[:4] == self.epoch and right_seq:
                        return answer_seq, answer
        sys.exit("no answer")


def unpack(encoded):
    """Return type, seq and payload of what stood between two zeros, or None if it is no frame."""
    try:
        packet = cobs.decode(encoded)
        version, kind, seq, length = struct.unpack_from("<BBHH", packet)
    except (cobs.DecodeError, struct.error):
        return None
    payload, crc = packet[6:-4], packet[-4:]
    good = version == 1 and length == len(payload) and crc == struct.pack("<I", crc32(packet[:-4]))
    return (kind, seq, payload) if good else None


def proof_of(key, label, transcript):
    """Return an HMAC that can be compared in constant time."""
    code = hmac.HMAC(key, hashes.SHA256())
    code.update(label + transcript)
    return code


def derive(key, salt, info, length):
    """HKDF-SHA256."""
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


class Session:
    """The secure channel, as an observer."""

    def __init__(self, link, pump_key):
        self.link, self.counter = link, 0
        key, nonce = derive(pump_key, None, b"thecal role observer", 32), os.urandom(16)
        reply = link.ask(struct.pack("<BB16s", HELLO, OBSERVER, nonce))
        if reply[0] != HELLO_REPLY:
            sys.exit(f"the pump does not say hello: {reply.hex()}")
        serial_number, rest = reply[1 : 2 + reply[1]], reply[2 + reply[1] :]
        pump_nonce, ordinal, pump_proof = struct.unpack("<16sQ32s", rest)
        said = struct.pack("<B16s16sQ", OBSERVER, nonce, pump_nonce, ordinal) + serial_number
        transcript = b"thecal channel 1" + said
        proof_of(key, b"thecal proof of the pump", transcript).verify(pump_proof)
        proof = proof_of(key, b"thecal proof of the programmer", transcript).finalize()
        keys = derive(key, hashlib.sha256(transcript).digest(), b"thecal session", 72)
        self.to_pump, self.to_programmer = ChaCha20Poly1305(keys[:32]), ChaCha20Poly1305(keys[32:64])
        self.name = keys[64:]
        self.open(link.ask(struct.pack("<BB16sQ32s", PROVE, OBSERVER, nonce, ordinal, proof)))

    def ask(self, message):
        """Seal a request; return the opened reply."""
        self.counter += 1
        nonce = struct.pack("<IQ", 0, self.counter)
        box = self.to_pump.encrypt(nonce, message, self.name + nonce)
        return self.open(self.link.ask(struct.pack("<BQ", SEALED, self.counter) + box))

    def open(self, record):
        """Open a sealed reply to the last request."""
        nonce = struct.pack("<IQ", 1, self.counter)
        if record[:9] != struct.pack("<BQ", SEALED, self.counter):
            sys.exit(f"no sealed reply: {record.hex()}")
        return self.to_programmer.decrypt(nonce, record[9:], self.name + nonce)


def main():
    """Print who the pump is and what it is doing."""
    with serial.serial_for_url(sys.argv[1], 115200, timeout=1) as port:
        session = Session(Link(port), bytes.fromhex(sys.argv[2]))
        identity = session.ask(bytes([INTERROGATE, 1]))
        therapy = session.ask(bytes([INTERROGATE, 3]))
        session.ask(bytes([CLOSE, 1]))
    if (identity[0], therapy[0]) != (IDENTITY_REPORT, THERAPY_REPORT):
        sys.exit(f"the pump refuses: {identity.hex()} {therapy.hex()}")
    length = identity[1]
    pump_time, _, state, rate = struct.unpack_from("<QQBI", therapy, 1)
    print("serial number:", identity[2 : 2 + length].decode())
    print("therapy:", STATES[state])
    print("rate:", rate, "nL/day")
    print("pump time:", pump_time, "ms")


if __name__ == "__main__":
    main()
