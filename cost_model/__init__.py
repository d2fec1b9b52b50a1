"""Seconds of operators: analytical roofline, later a learned model."""
