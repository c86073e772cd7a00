"""What the two generators share: networks, losses, monitoring, quality."""
