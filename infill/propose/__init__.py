"""Sources of proposals for the holes, one file each, behind one protocol."""
