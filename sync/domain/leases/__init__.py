"""What was used of leases: facts by which the hub knows of every unit, and sees two boxes spend the same one."""
