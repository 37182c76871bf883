"""What changes, as it changes: the streams of the WebSocket.

frames     a message as bytes on the wire, made once for all who get it
protocol   what clients may say, and what they are told
table      the newest state of each thing in a stream, in the order in which they changed
views      state → tables
client     one connection
channel    one stream, under one selection, for all who asked for the same
hub        turns: what changed goes to the tables, from there to the channels, from there to the clients
"""

from exporter.stream.hub import Hub

__all__ = ["Hub"]
