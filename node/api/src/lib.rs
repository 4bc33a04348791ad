//! Speaks to people and tools over HTTP and WebSocket.
