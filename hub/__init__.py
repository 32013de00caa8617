"""The centre: what every appliance reports to, and where lists arrive."""
