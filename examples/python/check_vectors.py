"""Holds subscriber.py against the project's test vectors: python3 check_vectors.py <path of protocol/vectors.json>"""
import json, sys
import msgpack
from subscriber import RECORD, read_batch


def check_record(vector):
    bytes_ = bytes.fromhex(vector["hex"])
    head = b"\xc1\x01\0\0" + bytes(20) + b"\1\0\0\0" + bytes(4)
    [(offset, ms, key, headers, kind, data, is_intact)] = read_batch(head + bytes_)[4]
    assert is_intact and RECORD.unpack_from(bytes_)[1] == len(bytes_)
    assert (offset, ms, key, kind, data.hex()) == (
        vector["offset"], vector["timestamp"], vector.get("key"), vector["contentType"], vector["data"],
    )
    assert headers == vector.get("headers", {})


def check_frame(vector):
    frame, meaning = bytes.fromhex(vector["hex"]), vector["meaning"]
    if frame[0] != 0xC1:
        assert msgpack.unpackb(frame) == meaning
    elif meaning["kind"] == 1:
        topic, partition, epoch, following, records = read_batch(frame)
        assert [topic, partition, epoch, following] == [meaning[name] for name in ("topic", "partition", "epoch", "next")]
        assert [record[0] for record in records] == meaning["offsets"]


def partition_of(key, partitions):
    hash_ = 0x811C9DC5
    for byte in key.encode():
        hash_ = (hash_ ^ byte) * 0x01000193 & 0xFFFFFFFF
    return hash_ % partitions


vectors = json.load(open(sys.argv[1], encoding="utf-8"))
for vector in vectors["records"]:
    check_record(vector)
for vector in vectors["frames"]:
    check_frame(vector)
for vector in vectors["partitions"]:
    assert partition_of(vector["key"], vector["partitions"]) == vector["partition"]
print("all vectors agree:", {name: len(vectors[name]) for name in ("records", "frames", "partitions")})
