"""ROS at the rim: nodes translate messages and calls; the thinking is in the packages they drive."""
