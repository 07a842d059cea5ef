"""The protocol between clients and the gateway: messages, encodings, sessions. Pure: no I/O, no clock."""
