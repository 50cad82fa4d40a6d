#!/usr/bin/env python3
"""What was found, to MQTT or Kafka: reads lines of JSON from standard input, as maskexport's pad meta gives them, and sends each
as one message.

    python3 examples/publish.py mqtt://127.0.0.1/camera1/objects < <(gst-launch-1.0 -q … \\
        ! maskexport name=e segmentation=none ! queue ! fakesink e.meta ! queue ! fdsink)

Instead of mqtt://HOST:PORT/TOPIC also kafka://HOST:PORT/TOPIC, or - to print what would be sent. MQTT needs the package
paho-mqtt (Debian: python3-paho-mqtt), Kafka kafka-python (python3-kafka). A line that is no record is named on standard error
and left out.
"""

import json
import sys
from urllib.parse import urlsplit


def records(lines):
    """The lines that are whole records, each as bytes and as what it says."""
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            return  # cut off: the pipeline was killed
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if not isinstance(record, dict) or "frame" not in record:
                raise ValueError("it has no frame")
        except ValueError as error:
            print(f"line {number} is left out: {error}", file=sys.stderr)
            continue
        yield line.rstrip(b"\n"), record


def mqtt(place, topic):
    """A function that sends a line to an MQTT broker, and one that ends it."""
    from paho.mqtt import client as paho

    # From version 2 of the package on it must be told which callbacks it gets; it gets none.
    version = [paho.CallbackAPIVersion.VERSION2] if hasattr(paho, "CallbackAPIVersion") else []
    client = paho.Client(*version)
    client.connect(place.hostname, place.port or 1883)
    client.loop_start()

    def close():
        client.disconnect()
        client.loop_stop()

    return lambda line: client.publish(topic, line, qos=1).wait_for_publish(), close


def kafka(place, topic):
    """The same for a Kafka broker."""
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=f"{place.hostname}:{place.port or 9092}")

    def close():
        producer.flush()
        producer.close()

    return lambda line: producer.send(topic, line), close


def destination(address):
    """Two functions for an address: one sends a line, the other ends it."""
    if address == "-":
        return lambda line: print(line.decode(), flush=True), lambda: None
    place = urlsplit(address)
    topic = place.path.strip("/")
    if place.scheme not in ("mqtt", "kafka") or not place.hostname or not topic:
        sys.exit(f"{address}: expected mqtt://HOST:PORT/TOPIC, kafka://HOST:PORT/TOPIC or -")
    return (mqtt if place.scheme == "mqtt" else kafka)(place, topic)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    send, close = destination(sys.argv[1])
    try:
        for line, _record in records(sys.stdin.buffer):
            send(line)
    finally:
        close()


if __name__ == "__main__":
    main()
