"""What client and host say to each other, and where they find each other."""
