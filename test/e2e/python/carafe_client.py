"""A small client of Carafe, written from docs/protocol.md alone: it shows that the page is enough.

One thread; every call waits for its answer. What the node sends by itself is kept in order until
somebody asks for it.
"""

import collections
import dataclasses
import secrets
import socket
import struct

import carafe_batch
import carafe_schema as schema
from crc32c import queue_of_key


class CarafeError(Exception):
    """An `error` frame (docs/protocol.md, section 8)."""

    def __init__(self, error):
        super().__init__(f"error {error.code}: {error.detail}")
        self.code = error.code
        self.detail = error.detail
        self.retry_after_ms = error.retryAfterMs


@dataclasses.dataclass
class Delivery:
    offset: int
    producer: int
    sequence: int
    broker_time_ms: int
    message: carafe_batch.Message


class Connection:
    """Section 1 and 2: frames, request numbers, hello."""

    def __init__(self, host, port, timeout=20.0):
        self._socket = socket.create_connection((host, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = 0
        self._by_itself = collections.deque()
        self._answers = {}

    def greet(self, client="python", newest=2):
        """Says hello, with the versions up to `newest`; returns the node's limits."""
        return self.ask(
            "hello", versionMin=1, versionMax=newest, client=client, software="python test client"
        )

    def close(self):
        self._socket.close()

    def send_bytes(self, data):
        self._socket.sendall(data)

    def _read(self, size):
        data = bytearray()
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the node closed the connection")
            data += more
        return bytes(data)

    def _read_frame(self):
        head = self._read(8)
        segments = struct.unpack_from("<I", head)[0] + 1
        # The table has `segments` sizes; one came with the head, and it fills whole words.
        head += self._read(segments // 2 * 8)
        words = sum(struct.unpack_from(f"<{segments}I", head, 4))
        with schema.wire.Frame.from_bytes(head + self._read(words * 8)) as frame:
            return frame.as_builder()

    def send(self, kind, body=None, **fields):
        """Sends a frame and returns its request number."""
        self._requests += 1
        frame = schema.wire.Frame.new_message(request=self._requests)
        if fields:
            inner = frame.init(kind)
            for name, value in fields.items():
                setattr(inner, name, value)
        else:
            setattr(frame, kind, body)
        self.send_bytes(frame.to_bytes())
        return self._requests

    def _sort_in(self, frame):
        if frame.request != 0:
            self._answers[frame.request] = frame
        elif frame.which() == "error":
            raise CarafeError(frame.error)
        else:
            self._by_itself.append(frame)

    def answer(self, request):
        """Waits for the answer to `request`."""
        while request not in self._answers:
            self._sort_in(self._read_frame())
        frame = self._answers.pop(request)
        if frame.which() == "error":
            raise CarafeError(frame.error)
        return getattr(frame, frame.which())

    def ask(self, kind, body=None, **fields):
        return self.answer(self.send(kind, body, **fields))

    def take(self, matches):
        """Waits for the first frame of the node's own that `matches(kind, body)`; others stay."""
        looked_at = 0
        while True:
            while looked_at < len(self._by_itself):
                frame = self._by_itself[looked_at]
                body = getattr(frame, frame.which())
                if matches(frame.which(), body):
                    del self._by_itself[looked_at]
                    return body
                looked_at += 1
            self._sort_in(self._read_frame())


class Producer:
    """Section 4: one counter of sequences, and for each queue the last one sent there."""

    def __init__(self, connection):
        self.connection = connection
        self.id = secrets.randbits(64) or 1
        self._next = 1
        self._last = {}

    def prepare(self, queue, messages, codec="none"):
        """A batch as it goes over the wire; it may be sent any number of times."""
        batch = carafe_batch.encode(messages, codec)
        fields = {
            "queue": queue,
            "producer": self.id,
            "sequence": self._next,
            "previous": self._last.get(queue, 0),
            "count": batch.count,
            "codec": batch.codec,
            "checksum": batch.checksum,
            "batch": batch.data,
        }
        self._next += batch.count
        self._last[queue] = self._next - 1
        return fields

    def send(self, prepared):
        return self.connection.ask("produce", **prepared)

    def send_keyed(self, topic, messages):
        """Sends each message to its key's queue and returns the receipts."""
        parts = collections.defaultdict(list)
        for message in messages:
            number = queue_of_key(message.key, len(topic.queues))
            parts[topic.queues[number].queue].append(message)
        return [self.send(self.prepare(queue, part)) for queue, part in parts.items()]


class Subscription:
    """Section 5: a queue's messages from `begin` on; gives back the credit of what it has read."""

    def __init__(self, connection, number, begin):
        self.connection = connection
        self.number = number
        self.next = begin

    def read(self, count):
        """The next messages, at least `count`; whole batches."""
        out = []
        while len(out) < count:
            out += self._read_one()
        return out

    def read_to(self, end):
        """The next messages, until reading has come to `end`."""
        out = []
        while self.next < end:
            out += self._read_one()
        return out

    def _read_one(self):
        """What one frame brings; section 5.1 tells what may be left out."""
        batch = self.connection.take(self._is_mine)
        if batch.baseOffset > self.next:
            raise ValueError("the node went past messages without a word")
        end = batch.baseOffset + batch.count
        offsets = list(range(batch.baseOffset, end))
        if batch.sparse:
            offsets = [part.first + i for part in batch.ranges for i in range(part.count)]
        messages = []
        if offsets:
            self.connection.send("credit", subscription=self.number, bytes=len(batch.batch))
            messages = carafe_batch.decode(bytes(batch.batch), str(batch.codec), batch.checksum)
        if len(messages) != len(offsets):
            raise ValueError("the batch holds another number of messages than announced")
        begin, self.next = self.next, end
        return [
            Delivery(
                offset,
                batch.producer,
                batch.sequence + offset - batch.baseOffset,
                batch.brokerTimeMs,
                message,
            )
            for offset, message in zip(offsets, messages)
            if offset >= begin
        ]

    def _is_mine(self, kind, body):
        if kind == "subscriptionEnded" and body.subscription == self.number:
            raise CarafeError(body.error)
        return kind == "deliver" and body.subscription == self.number


def tags(text):
    return {"kind": "tags", "text": text}


def subscribe(
    connection, number, queue, credit=1 << 20, out_of_range="error", wanted=None, **start
):
    """`start` is earliest=None, latest=None, offset=N or timeMs=N."""
    fields = {"filter": wanted} if wanted else {}
    answer = connection.ask(
        "subscribe",
        subscription=number,
        queue=queue,
        start=start,
        outOfRange=out_of_range,
        creditBytes=credit,
        **fields,
    )
    return Subscription(connection, number, answer.offset)


class Member:
    """Section 6: membership of a group."""

    def __init__(self, connection, group, topics, name="", credit=1 << 20, wanted=None, **start):
        self.connection = connection
        fields = {"filter": wanted} if wanted else {}
        joined = connection.ask(
            "join",
            group=group,
            topics=topics,
            member=name,
            start=start or {"earliest": None},
            outOfRange="error",
            creditBytes=credit,
            **fields,
        )
        self.id = joined.member

    def take_assigned(self):
        """The next queue given to this member, with the subscription that reads it."""
        assigned = self.connection.take(
            lambda kind, body: kind == "assigned" and body.member == self.id
        )
        return assigned, Subscription(self.connection, assigned.subscription, assigned.offset)

    def take_revoked(self):
        return self.connection.take(
            lambda kind, body: kind == "revoked" and body.member == self.id
        )

    def commit(self, *positions):
        """Each position is (queue, generation, next offset)."""
        self.connection.ask(
            "commit",
            member=self.id,
            positions=[
                {"queue": queue, "generation": generation, "offset": offset}
                for queue, generation, offset in positions
            ],
        )

    def release(self, queue, generation):
        self.connection.ask("release", member=self.id, queue=queue, generation=generation)

    def leave(self):
        self.connection.ask("leave", self.id)
