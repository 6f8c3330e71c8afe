"""Messages in columns: docs/protocol.md, sections 4.1 and 4.2."""

import dataclasses
import itertools

import carafe_schema as schema
import lz4.frame
import zstandard
from crc32c import crc32c


@dataclasses.dataclass
class Message:
    body: bytes
    key: bytes = b""
    tag: str = ""
    properties: tuple = ()  # Pairs of a name and its value's bytes.
    born_ms: int = 0


@dataclasses.dataclass
class EncodedBatch:
    data: bytes
    count: int
    codec: str
    checksum: int


def _ends(blobs):
    return list(itertools.accumulate(len(blob) for blob in blobs))


def _fill(batch, messages):
    names = []

    def number_of(name):
        if name not in names:
            names.append(name)
        return names.index(name)

    batch.count = len(messages)
    batch.bodies = b"".join(m.body for m in messages)
    batch.bodyEnds = _ends([m.body for m in messages])
    if any(m.key for m in messages):
        batch.keys = b"".join(m.key for m in messages)
        batch.keyEnds = _ends([m.key for m in messages])
    batch.bornBaseMs = min(m.born_ms for m in messages)
    batch.bornDeltas = [m.born_ms - batch.bornBaseMs for m in messages]
    if any(m.tag for m in messages):
        batch.tags = [number_of(m.tag) + 1 if m.tag else 0 for m in messages]
    properties = [p for m in messages for p in m.properties]
    if properties:
        batch.propertyEnds = list(itertools.accumulate(len(m.properties) for m in messages))
        batch.propertyNames = [number_of(name) for name, _ in properties]
        batch.propertyValues = b"".join(value for _, value in properties)
        batch.propertyValueEnds = _ends([value for _, value in properties])
    batch.names = names


def encode(messages, codec="none"):
    batch = schema.batch.Batch.new_message()
    _fill(batch, messages)
    data = batch.to_bytes()
    if codec == "lz4":
        data = lz4.frame.compress(data, store_size=True)
    elif codec == "zstd":
        data = zstandard.ZstdCompressor().compress(data)
    return EncodedBatch(data, len(messages), codec, crc32c(data))


def _slices(data, ends):
    return [data[begin:end] for begin, end in zip([0, *ends], ends)]


def _messages(batch):
    count = batch.count
    bodies = _slices(bytes(batch.bodies), list(batch.bodyEnds))
    keys = _slices(bytes(batch.keys), list(batch.keyEnds)) or [b""] * count
    deltas = list(batch.bornDeltas) or [0] * count
    names = list(batch.names)
    tags = list(batch.tags) or [0] * count
    values = _slices(bytes(batch.propertyValues), list(batch.propertyValueEnds))
    properties = list(zip((names[i] for i in batch.propertyNames), values))
    properties = _slices(properties, list(batch.propertyEnds)) or [[]] * count
    return [
        Message(
            bodies[i],
            keys[i],
            names[tags[i] - 1] if tags[i] else "",
            tuple(properties[i]),
            batch.bornBaseMs + deltas[i],
        )
        for i in range(count)
    ]


def decode(data, codec, checksum):
    if crc32c(data) != checksum:
        raise ValueError("the batch's checksum is wrong")
    if codec == "lz4":
        data = lz4.frame.decompress(data)
    elif codec == "zstd":
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    with schema.batch.Batch.from_bytes(data) as batch:
        return _messages(batch)
