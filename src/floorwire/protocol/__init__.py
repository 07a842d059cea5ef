"""The client wire, pure: bytes and the time in; messages, frames and decisions out."""
