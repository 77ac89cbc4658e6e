"""Prints what is published to a topic, from docs/protocol.md alone: standard library and msgpack (`apt install python3-msgpack`).

    python3 subscriber.py [topic, default greetings] [file for the position, default position.json]

Speaks the binary dialect, verifies the publisher's checksum of every record and goes on exactly where it stopped, also after it was killed.
"""
import base64, json, os, socket, struct, sys, time, zlib
import msgpack

ADDRESS = "127.0.0.1:7447"
HEAD = struct.Struct("<BBBBHHQQII")  # batch frame: mark, kind, two lengths, partition, flags, subscription, next, count, zero
RECORD = struct.Struct("<IIQQHHIIIHHBBH")  # hub check, length, offset, time, flags, …, payload check, three lengths, type, attributes, zero
DECODE = {
    0: bytes,
    1: json.loads,
    2: lambda data: msgpack.unpackb(data, timestamp=3, strict_map_key=False),
    3: lambda data: data.decode(),
}


class Damaged(Exception):
    """A record isn't what its publisher sent."""


class Socket:
    """As much of a WebSocket client (RFC 6455) as a subscriber needs."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=60)  # the hub pings every 25 s
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: ringcast.v1.msgpack\r\n\r\n".encode()
        )
        self.file = self.socket.makefile("rb")
        status = self.file.readline()
        while self.file.readline() not in (b"\r\n", b""):
            pass
        if b" 101 " not in status:
            raise ConnectionError(f"the hub answered {status.decode(errors='replace').strip()}")

    def read(self, count):
        data = self.file.read(count)
        if len(data) < count:
            raise ConnectionError("the connection has ended")
        return data

    def send(self, payload, opcode=2):
        size, mask = len(payload), os.urandom(4)
        length = struct.pack(">B", 0x80 | size) if size < 126 else struct.pack(">BH", 0xFE, size)  # it sends nothing longer
        self.socket.sendall(bytes([0x80 | opcode]) + length + mask + bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload)))

    def messages(self):
        parts = []
        while True:
            first, size = self.read(2)
            if size > 125:
                (size,) = struct.unpack(">H", self.read(2)) if size == 126 else struct.unpack(">Q", self.read(8))
            payload, opcode = self.read(size), first & 15
            if opcode == 9:
                self.send(payload, opcode=10)
            elif opcode == 8:
                raise ConnectionError(f"the hub closed: {payload[2:].decode(errors='replace')}")
            elif opcode <= 2:
                parts.append(payload)
                if first & 0x80:
                    yield b"".join(parts)
                    parts = []


def read_batch(frame):
    """A delivery: its topic, partition, epoch and next offset, and its records as (offset, time, key, headers, type, data, is intact)."""
    _, _, topic_size, epoch_size, partition, _, _, following, count, _ = HEAD.unpack_from(frame)
    names, at = HEAD.size + topic_size, (HEAD.size + topic_size + epoch_size + 7) & ~7
    records = []
    for _ in range(count):
        _, length, offset, ms, _, _, _, check, data_size, key_size, headers_size, kind, attributes, _ = RECORD.unpack_from(frame, at)
        headers_at = at + RECORD.size + key_size
        data_at = headers_at + headers_size
        key = frame[at + RECORD.size : headers_at].decode() if attributes & 1 else None
        is_intact = zlib.crc32(frame[at + 36 : data_at + data_size]) == check
        headers = read_headers(frame[headers_at:data_at])
        records.append((offset, ms, key, headers, kind, frame[data_at : data_at + data_size], is_intact))
        at += length
    return frame[HEAD.size : names].decode(), partition, frame[names : names + epoch_size].decode(), following, records


def read_headers(block):
    headers = {}
    while block:
        name_size, value_size = struct.unpack_from("<BH", block)
        value_at = 3 + name_size
        headers[block[3:value_at].decode()] = block[value_at : value_at + value_size].decode()
        block = block[value_at + value_size :]
    return headers


def follow(topic, positions, save):
    """Prints until the connection ends. `positions` holds the next offset of each partition; a partition that isn't in it begins at its tail."""
    connection = Socket(ADDRESS)
    start = {"op": "subscribe", "id": 1, "topic": topic, "from": {"positions": positions}, "verify": True}
    for frame in connection.messages():
        if frame[0] == 0xC1:
            _, partition, epoch, following, records = read_batch(frame)
            for offset, _, _, _, kind, data, is_intact in records:
                if not is_intact:
                    save(partition, epoch, offset)
                    raise Damaged(f"record {partition}/{offset} is damaged: reading it again")
                print(f"{partition}/{offset}", json.dumps(DECODE[kind](data), ensure_ascii=False, default=str), flush=True)
            save(partition, epoch, following)
            continue
        message = msgpack.unpackb(frame)
        if message["op"] == "welcome":
            connection.send(msgpack.packb(start))
        elif message["op"] == "gap":
            print(f"gap: {message['from']} to {message['to']} of partition {message['partition']} ({message['reason']})", flush=True)
            save(message["partition"], message["epoch"], message["next"])
        elif message["op"] == "error":
            raise ConnectionError(f"{message['code']}: {message['message']}")


def main(topic="greetings", path="position.json"):
    positions = json.load(open(path)) if os.path.exists(path) else {}

    def save(partition, epoch, offset):
        positions[str(partition)] = {"epoch": epoch, "offset": offset}
        with open(path + ".new", "w") as file:
            json.dump(positions, file)
        os.replace(path + ".new", path)  # the old or the new one, never half of it

    while True:
        try:
            follow(topic, positions, save)
        except (OSError, Damaged) as error:
            print(f"{error}; connecting again", file=sys.stderr, flush=True)
            time.sleep(0.5)


if __name__ == "__main__":
    main(*sys.argv[1:])
