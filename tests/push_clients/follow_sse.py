"""A subscriber made with `httpx-sse`: prints a line of JSON for each event, with its id.

Connects again when the connection is lost, from the id of the last event. `httpx-sse` leaves
that to its users; the time to wait is the one that the server asks for.
"""

import json
import sys
import time

import httpx
from httpx_sse import connect_sse

url, position, retry = sys.argv[1], "", 0.2
with httpx.Client(timeout=20, trust_env=False) as client:
    while True:
        headers = {"Last-Event-ID": position} if position else {}
        try:
            with connect_sse(client, "GET", url, headers=headers) as source:
                for event in source.iter_sse():
                    position = event.id or position
                    if event.data:
                        print(json.dumps([event.event, event.id, event.data]), flush=True)
                    elif event.retry:
                        retry = event.retry / 1000
                        print(json.dumps(["begin", event.id, ""]), flush=True)
        except httpx.TransportError:
            pass
        time.sleep(retry)
