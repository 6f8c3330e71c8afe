"""The examples in docs/protocol.md are true."""

import re
import unittest

import carafe_batch
import carafe_schema as schema
from carafe_batch import Message
from crc32c import crc32c, queue_of_key

PAGE = (schema.SOURCE / "docs" / "protocol.md").read_text(encoding="utf-8")


def example(name):
    block = re.search(rf"<!-- example: {name} -->\n((?:    .*\n)+)", PAGE)[1]
    out = bytearray()
    for line in block.splitlines():
        place, data = line.split(maxsplit=1)
        assert int(place, 16) == len(out), line
        out += bytes.fromhex(data)
    return bytes(out)


class ProtocolPageTest(unittest.TestCase):
    def test_hello(self):
        data = example("hello")
        self.assertIn(f"({len(data)} bytes)", PAGE)
        with schema.wire.Frame.from_bytes(data) as frame:
            self.assertEqual(frame.request, 1)
            self.assertEqual(frame.which(), "hello")
            self.assertEqual((frame.hello.versionMin, frame.hello.versionMax), (1, 1))
            self.assertEqual((frame.hello.client, frame.hello.software), ("example", "doc 1"))

    def test_batch(self):
        data = example("batch")
        checksum = int(re.search(r"sent as `produce.checksum`, is `(\w+)`", PAGE)[1], 16)
        self.assertEqual(
            carafe_batch.decode(data, "none", checksum),
            [
                Message(b"paid", b"42", "state", (), 1_700_000_000_000),
                Message(b"packed", b"", "", (("lang", b"en"),), 1_700_000_000_250),
            ],
        )

    def test_batch_made_anew(self):
        messages = carafe_batch.decode(example("batch"), "none", crc32c(example("batch")))
        for codec in ("none", "lz4", "zstd"):
            batch = carafe_batch.encode(messages, codec)
            self.assertEqual(carafe_batch.decode(batch.data, codec, batch.checksum), messages)

    def test_checksums_and_queues_of_keys(self):
        of_digits = re.search(r"`123456789` it is `(\w+)`", PAGE)[1]
        self.assertEqual(crc32c(b"123456789"), int(of_digits, 16))
        rows = re.findall(r"^\| `(\S+)` \| `([0-9a-f]{8})` \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
        self.assertGreaterEqual(len(rows), 3)
        for key, checksum, of_4, of_16 in rows:
            self.assertEqual(crc32c(key.encode()), int(checksum, 16))
            self.assertEqual(queue_of_key(key.encode(), 4), int(of_4))
            self.assertEqual(queue_of_key(key.encode(), 16), int(of_16))


if __name__ == "__main__":
    unittest.main(verbosity=2)
