"""Seconds of operators: the analytical roofline, and the place where a learned model plugs in."""
