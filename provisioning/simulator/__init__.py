"""Whole sites in one thread: the real engine on real files, under a weather and a clock drawn from one seed."""
