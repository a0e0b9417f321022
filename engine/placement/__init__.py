"""What fits where: devices, the memory budget, offloading, and what is raised when a device fails."""
