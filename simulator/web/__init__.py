"""What serves an exchange over HTTP and WebSocket, whatever its dialect: routes, sockets, faults, control."""
