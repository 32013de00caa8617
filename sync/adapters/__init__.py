"""The world, behind ports: SQLite, MQTT, HTTPS, sticks, clocks, keys."""
