"""Reads a topic with examples/python: `python_reader.py <url> <topic> <records>`. Prints a line when subscribed, and its report."""
import base64, hashlib, json, os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../examples/python"))
sys.dont_write_bytecode = True
import msgpack
import subscriber

BLOCK_RECORDS = 10_000


def as_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=lambda data: {"$bytes": base64.b64encode(data).decode()})


def main(url, topic, records):
    digest, lines, following = "", [], 0

    def close(digest, lines):
        return hashlib.sha256("\n".join([digest, *lines, ""]).encode()).hexdigest()

    count = 0
    connection = subscriber.Socket(url.removeprefix("ws://"))
    for frame in connection.messages():
        if frame[0] != 0xC1:
            message = msgpack.unpackb(frame)
            if message["op"] == "welcome":
                connection.send(msgpack.packb({"op": "subscribe", "id": 1, "topic": topic, "from": "earliest"}))
            elif message["op"] == "subscribed":
                print("subscribed", flush=True)
            else:
                raise SystemExit(f"Unexpected: {message}")
            continue
        _, _, _, following, batch = subscriber.read_batch(frame)
        for offset, ms, key, headers, kind, data, is_intact in batch:
            if not is_intact:
                raise SystemExit(f"Damaged: {offset}")
            lines.append("\t".join([str(offset), str(ms), as_json(key), as_json(headers), as_json(subscriber.DECODE[kind](data))]))
            count += 1
            if len(lines) == BLOCK_RECORDS:
                digest, lines = close(digest, lines), []
        if count >= int(records):
            break
    if lines:
        digest = close(digest, lines)
    print(json.dumps({"records": count, "next": following, "digest": digest}), flush=True)


main(*sys.argv[1:])
