"""Bytes to the world and back. Each of them is a `hardware.ports.ByteStream` or hands out raw input events."""
