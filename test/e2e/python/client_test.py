"""A client in another language, against a real node."""

import contextlib
import hashlib
import random
import unittest

import carafe_client as carafe
from carafe_batch import Message
from node import Node

# docs/protocol.md, section 8.
UNSUPPORTED = 3
FRAME_MALFORMED = 20
HELLO_EXPECTED = 23
CHECKSUM_MISMATCH = 43
SEQUENCE_GAP = 60
TOPIC_UNKNOWN = 80
QUEUE_UNKNOWN = 83
OFFSET_OUT_OF_RANGE = 86
MEMBER_UNKNOWN = 104
NOT_OWNER = 105


def sample(count, seed):
    dice = random.Random(seed)
    return [
        Message(
            body=dice.randbytes(dice.randrange(300)),
            key=b"key-%d" % dice.randrange(20),
            tag=dice.choice(["", "paid", "packed"]),
            properties=tuple((f"p{i}", dice.randbytes(5)) for i in range(dice.randrange(3))),
            born_ms=1_700_000_000_000 + dice.randrange(100_000),
        )
        for _ in range(count)
    ]


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node()

    @classmethod
    def tearDownClass(cls):
        code = cls.node.stop()
        if code != 0:
            raise AssertionError(f"the node exited with {code}")

    def dial(self):
        connection = carafe.Connection(self.node.host, self.node.port)
        self.addCleanup(connection.close)
        return connection

    def connect(self):
        connection = self.dial()
        connection.greet()
        return connection

    def create(self, connection, name, queues):
        return connection.ask("topicCreate", name=name, queues=queues)

    @contextlib.contextmanager
    def refused(self, code):
        with self.assertRaises(carafe.CarafeError) as caught:
            yield
        self.assertEqual(caught.exception.code, code, caught.exception)

    def test_welcome_and_ping(self):
        c = self.dial()
        self.assertEqual(self.dial().greet(newest=1).version, 1)
        welcome = c.greet(newest=9)
        self.assertEqual(welcome.version, 2)
        self.assertGreater(welcome.frameBytesMax, welcome.messageBytesMax)
        c.ask("ping")
        with self.refused(TOPIC_UNKNOWN):
            c.ask("topicDescribe", name="nobody-made-this")

    def test_what_is_produced_is_read_back_whatever_the_codec(self):
        c = self.connect()
        queue = self.create(c, "codecs", 1).queues[0].queue
        producer = carafe.Producer(c)
        sent = []
        for seed, codec in enumerate(["none", "lz4", "zstd", "none"]):
            messages = sample(500, seed)
            receipt = producer.send(producer.prepare(queue, messages, codec))
            self.assertEqual(receipt.firstOffset, len(sent))
            self.assertEqual(receipt.count, 500)
            self.assertEqual(str(receipt.durability), "fsync")
            self.assertFalse(receipt.duplicate)
            sent += messages
        # A credit far below what is read: every batch is paid back.
        got = carafe.subscribe(c, 1, queue, credit=1, earliest=None).read(len(sent))
        self.assertEqual([d.message for d in got], sent)
        self.assertEqual([d.offset for d in got], list(range(len(sent))))
        self.assertEqual([d.sequence for d in got], list(range(1, len(sent) + 1)))
        self.assertEqual({d.producer for d in got}, {producer.id})

        def digest(messages):
            return hashlib.sha256(b"".join(m.key + m.body for m in messages)).hexdigest()

        self.assertEqual(digest(d.message for d in got), digest(sent))

    def test_a_retry_gets_the_receipt_of_the_original(self):
        c = self.connect()
        queue = self.create(c, "retries", 1).queues[0].queue
        producer = carafe.Producer(c)
        batches = [producer.prepare(queue, sample(10, seed)) for seed in range(8)]
        first = [producer.send(batch) for batch in batches]
        # From another connection, as after a lost one.
        producer.connection = self.connect()
        for batch, original in zip(batches, first):
            again = producer.send(batch)
            self.assertTrue(again.duplicate)
            self.assertEqual(again.firstOffset, original.firstOffset)
            self.assertEqual(again.brokerTimeMs, original.brokerTimeMs)
        got = carafe.subscribe(c, 1, queue, earliest=None).read(80)
        self.assertEqual(len(got), 80)

    def test_eight_batches_may_be_in_flight(self):
        c = self.connect()
        queue = self.create(c, "pipelined", 1).queues[0].queue
        producer = carafe.Producer(c)
        requests = [
            c.send("produce", **producer.prepare(queue, sample(5, seed))) for seed in range(8)
        ]
        offsets = [c.answer(request).firstOffset for request in requests]
        self.assertEqual(offsets, list(range(0, 40, 5)))

    def test_a_wrong_previous_and_a_wrong_checksum_are_refused(self):
        c = self.connect()
        queue = self.create(c, "gaps", 1).queues[0].queue
        producer = carafe.Producer(c)
        producer.send(producer.prepare(queue, sample(3, 1)))
        missing = producer.prepare(queue, sample(3, 2))
        after = producer.prepare(queue, sample(3, 3))
        with self.refused(SEQUENCE_GAP):
            producer.send(after)
        with self.refused(CHECKSUM_MISMATCH):
            producer.send(dict(missing, checksum=missing["checksum"] ^ 1))
        self.assertEqual(producer.send(missing).firstOffset, 3)
        self.assertEqual(producer.send(after).firstOffset, 6)

    def test_messages_of_a_key_are_in_one_queue_in_order(self):
        c = self.connect()
        topic = self.create(c, "keyed", 4)
        producer = carafe.Producer(c)
        sent = sample(200, 7)
        producer.send_keyed(topic, sent)
        topic = c.ask("topicDescribe", name="keyed")
        self.assertEqual(sum(q.end for q in topic.queues), 200)
        got = []
        for number, q in enumerate(topic.queues):
            if q.end > 0:
                got += carafe.subscribe(c, number + 1, q.queue, earliest=None).read(q.end)
        for key in {m.key for m in sent}:
            self.assertEqual(
                [d.message for d in got if d.message.key == key], [m for m in sent if m.key == key]
            )

    def test_reading_begins_inside_a_batch_and_can_be_moved(self):
        c = self.connect()
        queue = self.create(c, "seek", 1).queues[0].queue
        producer = carafe.Producer(c)
        sent = sample(20, 3)
        producer.send(producer.prepare(queue, sent))
        self.assertEqual(
            [d.message for d in carafe.subscribe(c, 1, queue, offset=13).read(7)], sent[13:]
        )
        self.assertEqual(
            [d.message for d in carafe.subscribe(c, 1, queue, offset=17).read(3)], sent[17:]
        )
        with self.refused(OFFSET_OUT_OF_RANGE):
            carafe.subscribe(c, 2, queue, offset=21)
        self.assertEqual(carafe.subscribe(c, 2, queue, out_of_range="latest", offset=21).next, 20)
        self.assertEqual(carafe.subscribe(c, 3, queue, timeMs=0).next, 0)
        c.ask("unsubscribe", 2)
        latest = carafe.subscribe(c, 4, queue, latest=None)
        producer.send(producer.prepare(queue, sample(1, 9)))
        self.assertEqual([d.offset for d in latest.read(1)], [20])

    def test_a_deleted_topic_ends_its_subscriptions(self):
        c = self.connect()
        queue = self.create(c, "short-lived", 1).queues[0].queue
        reading = carafe.subscribe(c, 1, queue, latest=None)
        c.ask("topicDelete", "short-lived")
        with self.refused(QUEUE_UNKNOWN):
            reading.read(1)

    def test_a_group_shares_queues_and_goes_on_from_what_is_committed(self):
        c = self.connect()
        topic = self.create(c, "shared-out", 2)
        producer = carafe.Producer(c)
        sent = {q.queue: sample(30, q.number) for q in topic.queues}
        for queue, messages in sent.items():
            producer.send(producer.prepare(queue, messages[:20]))
        first = carafe.Member(c, "workers", ["shared-out"], "first")
        owned = dict()
        for _ in range(2):
            assigned, reading = first.take_assigned()
            self.assertEqual(assigned.offset, 0)
            owned[assigned.queue] = (assigned.generation, reading)
            got = reading.read(20)
            self.assertEqual([d.message for d in got], sent[assigned.queue][:20])
        first.commit(*((queue, generation, 12) for queue, (generation, _) in owned.items()))

        # A second member gets one of the queues, from where the first says that it stopped.
        other = self.connect()
        second = carafe.Member(other, "workers", ["shared-out"], "second")
        revoked = first.take_revoked()
        generation, reading = owned.pop(revoked.queue)
        self.assertEqual(revoked.generation, generation)
        self.assertGreater(revoked.deadlineMs, 0)
        first.commit((revoked.queue, generation, reading.next))
        first.release(revoked.queue, generation)
        assigned, moved = second.take_assigned()
        self.assertEqual((assigned.queue, assigned.offset), (revoked.queue, 20))
        self.assertGreater(assigned.generation, generation)
        with self.refused(NOT_OWNER):
            first.commit((revoked.queue, generation, 20))

        # The queue that stayed goes on without a pause; new messages reach both.
        for queue, messages in sent.items():
            producer.send(producer.prepare(queue, messages[20:]))
        stayed = owned.popitem()
        for queue, where in ((revoked.queue, moved), (stayed[0], stayed[1][1])):
            self.assertEqual([d.message for d in where.read(10)], sent[queue][20:])
        second.commit((revoked.queue, assigned.generation, 30))

        # The first leaves without a commit: its queue begins again at what it committed last.
        first.leave()
        with self.refused(MEMBER_UNKNOWN):
            first.commit((stayed[0], stayed[1][0], 30))
        again, reading = second.take_assigned()
        self.assertEqual((again.queue, again.offset), (stayed[0], 12))
        self.assertEqual([d.message for d in reading.read(18)], sent[stayed[0]][12:])
        second.commit((again.queue, again.generation, 30))
        second.leave()
        described = c.ask("groupDescribe", "workers")
        self.assertEqual(len(described.members), 0)
        self.assertEqual([(q.committed, q.lag) for q in described.queues], [(30, 0), (30, 0)])
        c.ask("groupDelete", "workers")

    def test_what_does_not_pass_is_left_out_and_passed(self):
        c = self.connect()
        topic = self.create(c, "filtered", 1)
        queue = topic.queues[0].queue
        producer = carafe.Producer(c)
        sent = []
        for seed in range(10):
            messages = sample(100, seed)
            producer.send(producer.prepare(queue, messages, ["none", "lz4", "zstd"][seed % 3]))
            sent += messages
        producer.send(producer.prepare(queue, [Message(b"", b"", "paid", (), 1)] * 50))
        packed = [at for at, message in enumerate(sent) if message.tag == "packed"]

        wanted = carafe.tags("packed")
        got = carafe.subscribe(c, 1, queue, wanted=wanted, earliest=None).read_to(1050)
        self.assertEqual([d.offset for d in got], packed)
        self.assertEqual([d.message for d in got], [sent[at] for at in packed])
        self.assertEqual([d.sequence for d in got], [at + 1 for at in packed])

        member = carafe.Member(c, "packers", ["filtered"], wanted=wanted)
        mine, subscription = member.take_assigned()
        self.assertEqual([d.offset for d in subscription.read_to(1050)], packed)
        member.commit((queue, mine.generation, subscription.next))
        self.assertEqual(c.ask("groupDescribe", "packers").queues[0].lag, 0)
        member.leave()

        old = self.dial()
        old.greet(newest=1)
        with self.refused(UNSUPPORTED):
            carafe.Member(old, "packers", ["filtered"], wanted=wanted)
        with self.refused(UNSUPPORTED):
            carafe.subscribe(old, 1, queue, wanted=wanted, earliest=None)
        whole = carafe.subscribe(old, 1, queue, earliest=None).read(1050)
        self.assertEqual([d.offset for d in whole], list(range(1050)))

    def test_a_lost_connection_leaves_its_groups(self):
        c = self.connect()
        self.create(c, "inherited", 1)
        dying = self.connect()
        carafe.Member(dying, "heirs", ["inherited"]).take_assigned()
        heir = carafe.Member(c, "heirs", ["inherited"])
        dying.close()
        assigned, _ = heir.take_assigned()
        self.assertEqual(assigned.offset, 0)
        heir.leave()

    def test_a_sought_group_queue_survives_a_seek_that_is_refused(self):
        c = self.connect()
        queue = self.create(c, "group-seek", 1).queues[0].queue
        producer = carafe.Producer(c)
        sent = sample(10, 5)
        producer.send(producer.prepare(queue, sent))
        member = carafe.Member(c, "seekers", ["group-seek"])
        assigned, reading = member.take_assigned()
        self.assertEqual(len(reading.read(10)), 10)
        with self.refused(OFFSET_OUT_OF_RANGE):
            carafe.subscribe(c, assigned.subscription, queue, offset=11)
        again = carafe.subscribe(c, assigned.subscription, queue, offset=4)
        self.assertEqual([d.message for d in again.read(6)], sent[4:])
        member.leave()

    def test_a_start_that_is_not_there_is_told_and_can_be_mended(self):
        c = self.connect()
        queue = self.create(c, "no-start", 1).queues[0].queue
        producer = carafe.Producer(c)
        sent = sample(10, 6)
        producer.send(producer.prepare(queue, sent))
        member = carafe.Member(c, "late", ["no-start"], offset=999)
        assigned, reading = member.take_assigned()
        with self.refused(OFFSET_OUT_OF_RANGE):
            reading.read(1)
        member.commit((queue, assigned.generation, 4))
        member.release(queue, assigned.generation)
        assigned, reading = member.take_assigned()
        self.assertEqual(assigned.offset, 4)
        self.assertEqual([d.message for d in reading.read(6)], sent[4:])
        member.leave()

    def test_bad_bytes_end_only_their_own_connection(self):
        well = self.connect()
        bad = self.connect()
        bad.send_bytes(b"\xff" * 64)
        with self.refused(FRAME_MALFORMED):
            bad.ask("ping")
        with self.refused(HELLO_EXPECTED):
            self.dial().ask("ping")
        well.ask("ping")


if __name__ == "__main__":
    unittest.main(verbosity=2)
