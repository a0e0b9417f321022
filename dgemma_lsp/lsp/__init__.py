"""The language server: messages in and out, the handshake, settings."""
