"""Prints the messages of a WebSocket, with the library `websockets`: follow_ws.py URL"""

import sys

from websockets.sync.client import connect

with connect(sys.argv[1], proxy=None) as socket:
    print("open", flush=True)
    for message in socket:
        print(message, flush=True)
