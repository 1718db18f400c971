"""Follows the alerts of Orewatch: an example for programs of your own.

    pip install grpcio grpcio-tools nats-py
    python orewatch_client.py grpc --alerting 127.0.0.1:7070 --state state.json
    python orewatch_client.py nats --alerting 127.0.0.1:7073 --nats nats://127.0.0.1:4222 --state state.json

Both keep a copy of the current alerts: first a snapshot over gRPC, then every later transition, over gRPC or from the stream on
NATS. Each transition is one line of JSON on standard output. The state file records what was processed, so a client that is
stopped or killed continues where it stopped. Nothing is lost, and a transition that is repeated after a kill has the same id.
"""
import argparse
import asyncio
import importlib
import json
import os
import pathlib
import sys
import tempfile
import time
from urllib.parse import unquote

import grpc

HERE = pathlib.Path(__file__).resolve().parent
STATES = ("ALERT_STATE_PENDING", "ALERT_STATE_FIRING")
HEARTBEAT = 5  # seconds; after three of them without a message, the stream counts as broken


class Contracts:
    """The messages and services of `proto/`, compiled when the program starts. A real client compiles them when it is built."""

    def __init__(self, proto):
        from grpc_tools import protoc

        out = tempfile.mkdtemp(prefix="orewatch-contracts-")
        files = [str(file) for file in sorted(pathlib.Path(proto).rglob("*.proto"))]
        include = str(pathlib.Path(importlib.import_module("grpc_tools").__file__).parent / "_proto")
        arguments = ["protoc", f"-I{proto}", f"-I{include}", f"--python_out={out}", f"--grpc_python_out={out}", *files]
        if protoc.main(arguments) != 0:
            raise SystemExit(f"the contracts in {proto} do not compile")
        sys.path.insert(0, out)
        package = "orewatch.alerting.v1."
        self.events = importlib.import_module(package + "events_pb2")
        self.filter = importlib.import_module(package + "filter_pb2")
        self.service = importlib.import_module(package + "service_pb2")
        self.stubs = importlib.import_module(package + "service_pb2_grpc")
        self.problem = importlib.import_module("orewatch.common.v1.common_pb2").Problem

    def event(self, kind, payload):
        """Decodes an event by its `ce-type`. None: a kind that this client does not know, which is no error."""
        name = kind.removeprefix("orewatch.alerting.v1.")
        message = getattr(self.events, name, None)
        return message and message.FromString(payload)


class State:
    """What was processed: the copy of the alerts, and where to continue. Written as a whole after every message."""

    def __init__(self, path):
        self.path = path
        self.cursor, self.alerts = None, {}
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                known = json.load(file)
            self.cursor, self.alerts = known["cursor"], known["alerts"]

    def save(self, cursor):
        self.cursor = cursor
        if self.path:
            beside = f"{self.path}.new"
            with open(beside, "w", encoding="utf-8") as file:
                json.dump({"cursor": self.cursor, "alerts": self.alerts}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)

    def put(self, alert, events):
        self.alerts[alert.id] = {"state": events.AlertState.Name(alert.state), "severity": alert.severity}

    def take(self, kind, alert, left, events):
        """Applies a transition. A restatement of the past changes no alert."""
        if kind == "AlertRestated":
            return
        if left:
            self.alerts.pop(alert.id, None)
        else:
            self.put(alert, events)


def tell(**what):
    print(json.dumps(what), flush=True)


def say(text):
    print(text, file=sys.stderr, flush=True)


class Grpc:
    """Snapshot and transitions over gRPC."""

    def __init__(self, contracts, arguments):
        self.contracts, self.address = contracts, arguments.alerting
        self.filter = contracts.filter.AlertFilter(consumers=arguments.consumer, rules=arguments.rule)
        self.metadata = []
        if arguments.token_file:
            token = pathlib.Path(arguments.token_file).read_text(encoding="utf-8").strip()
            self.metadata.append(("authorization", f"Bearer {token}"))

    def messages(self, token=""):
        """The messages of one subscription, after a token, or beginning with a snapshot."""
        request = self.contracts.service.SubscribeAlertsRequest(
            filter=self.filter, resume_token=token, snapshot=not token
        )
        request.heartbeat.FromSeconds(HEARTBEAT)
        # Pings detect a connection that is dead but was not closed.
        options = [("grpc.keepalive_time_ms", 30_000), ("grpc.keepalive_timeout_ms", 10_000)]
        with grpc.insecure_channel(self.address, options=options) as channel:
            stub = self.contracts.stubs.AlertingServiceStub(channel)
            yield from stub.SubscribeAlerts(request, metadata=self.metadata)

    def follow(self, state, is_done):
        """Follows until it is done, and reconnects after errors."""
        while True:
            try:
                for message in self.messages(state.cursor or ""):
                    if self.take(message, state) and is_done(message):
                        return
            except grpc.RpcError as error:
                self.recover(error, state)
            time.sleep(0.2)

    def take(self, message, state):
        """Processes a message. Returns whether it says up to which position everything was sent."""
        kind = message.WhichOneof("message")
        if kind == "alert":
            # An interrupted snapshot starts again, so nothing of it counts before its end.
            self.snapshot = getattr(self, "snapshot", [])
            self.snapshot.append(message.alert)
            return False
        if kind == "snapshot_end":
            state.alerts.clear()
            for alert in self.__dict__.pop("snapshot", []):
                state.put(alert, self.contracts.events)
        if kind == "transition":
            self.transition(message, state)
        if message.resume_token:
            state.save(message.resume_token)
        if kind == "fell_behind" and message.fell_behind.ended:
            say("messages were read too slowly; continuing where they stopped")
        return kind in ("caught_up", "checkpoint", "snapshot_end")

    def transition(self, message, state):
        transition = message.transition
        event = getattr(transition, transition.WhichOneof("event"))
        name = type(event).__name__
        tell(id=transition.event_id, kind=name, alert=event.alert.id)
        state.take(name, event.alert, message.left, self.contracts.events)

    def recover(self, error, state):
        """Retries after some errors, and takes a new snapshot if the token is too old. Other errors end the program."""
        self.__dict__.pop("snapshot", None)
        problem = self.problem(error)
        if problem.code == "resume-token-gone":
            say("the log does not reach back to the token; starting again with a snapshot")
            state.cursor = None
        elif error.code() not in (
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.CANCELLED,
            grpc.StatusCode.INTERNAL,
            grpc.StatusCode.UNKNOWN,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
        ):
            raise SystemExit(f"{problem.message or error.details()}\n{problem.hint}")
        else:
            say(f"the stream broke ({error.details()}); continuing where it stopped")

    def problem(self, error):
        """The details of an error: a code for programs, and a hint for people."""
        details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
        return self.contracts.problem.FromString(details)

    def snapshot_at(self, state):
        """Takes only a snapshot. Returns its position, which is a sequence number of the stream on NATS."""
        while True:
            try:
                for message in self.messages():
                    self.take(message, state)
                    if message.WhichOneof("message") == "snapshot_end":
                        return message.snapshot_end.position
            except grpc.RpcError as error:
                self.recover(error, state)
            time.sleep(0.2)


class Nats:
    """Transitions from the stream on NATS, with its own cursor: a sequence number of the stream."""

    STREAM = "ALERTS"

    def __init__(self, contracts, arguments):
        self.contracts, self.url = contracts, arguments.nats
        self.subject = f"orewatch.alerts.alert.*.{(arguments.consumer or ['*'])[0]}.>"
        self.is_new = False

    async def follow(self, state, is_done):
        import nats

        async def reconnected():
            self.is_new = True

        client = await nats.connect(self.url, max_reconnect_attempts=-1, reconnect_time_wait=0.2, reconnected_cb=reconnected)
        stream = client.jetstream()
        while True:
            try:
                self.is_new = False
                if await self.read(stream, state, is_done):
                    break
            except Exception as error:  # after any error, a new consumer continues after the cursor
                say(f"the stream broke ({error!r}); continuing after {state.cursor}")
                await asyncio.sleep(0.2)
        await client.close()

    async def read(self, stream, state, is_done):
        from nats.errors import TimeoutError as NatsTimeout
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=state.cursor + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=60,
        )
        consumer = await stream.pull_subscribe(self.subject, stream=self.STREAM, config=config)
        while not self.is_new:
            # Read before the messages: if none comes, everything up to this position was read.
            head = (await stream.stream_info(self.STREAM)).state.last_seq
            try:
                messages = await consumer.fetch(batch=100, timeout=1)
            except NatsTimeout:
                await consumer.consumer_info()  # fails if the server no longer has the consumer
                if is_done(head):
                    return True
                continue
            for message in messages:
                self.take(message, state)
        return False

    def take(self, message, state):
        sequence = message.metadata.sequence.stream
        if sequence <= state.cursor:
            return
        header = {name: unquote(value) for name, value in message.headers.items()}
        event = self.contracts.event(header["ce-type"], message.data)
        if event is not None:
            name, events = type(event).__name__, self.contracts.events
            tell(id=header["ce-id"], kind=name, alert=event.alert.id)
            stands = events.AlertState.Name(event.alert.state) in STATES
            state.take(name, event.alert, not stands, events)
        state.save(sequence)


def main():
    parser = argparse.ArgumentParser(description="Follows the alerts of Orewatch.")
    parser.add_argument("over", choices=["grpc", "nats"])
    parser.add_argument("--alerting", required=True, help="HOST:PORT of the alerting service")
    parser.add_argument("--token-file", help="file with the token, for a service that requires one")
    parser.add_argument("--nats", default="nats://127.0.0.1:4222", help="address of the NATS server")
    parser.add_argument("--consumer", action="append", default=[], help="only alerts of this consumer")
    parser.add_argument("--rule", action="append", default=[], help="only alerts of this rule (over gRPC)")
    parser.add_argument("--state", help="file that records what was processed")
    parser.add_argument("--proto", default=str(HERE.parent.parent / "proto"), help="folder of the contracts")
    parser.add_argument("--until", type=int, help="stop when everything up to this position of the log was processed")
    arguments = parser.parse_args()

    contracts, state = Contracts(arguments.proto), State(arguments.state)
    service = Grpc(contracts, arguments)

    def is_done(position):
        return arguments.until is not None and position >= arguments.until

    if arguments.over == "grpc":
        service.follow(state, lambda message: is_done(getattr(message, message.WhichOneof("message")).position))
    else:
        if state.cursor is None:
            state.save(service.snapshot_at(state))
        asyncio.run(Nats(contracts, arguments).follow(state, is_done))
    tell(copy=state.alerts)


if __name__ == "__main__":
    main()
