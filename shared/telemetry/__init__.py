"""What both servers tell of themselves: metrics and traces."""
