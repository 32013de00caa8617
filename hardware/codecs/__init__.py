"""Bytes of devices to values and back. Pure: no port, no clock, no thread. Every parser survives any bytes."""
