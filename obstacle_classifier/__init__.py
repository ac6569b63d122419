"""Multilabel obstacle classification for sidewalk robots: NumPy on the robot, the same code offline."""

__version__ = "0.1.0"
