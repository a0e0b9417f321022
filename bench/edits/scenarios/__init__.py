"""The scenarios of cursortab.nvim's evaluation (MIT), replayed through the server; read where the caller has them."""
