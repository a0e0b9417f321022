--- The client of the language server.

local M = {}

---@param buf integer
---@return vim.lsp.Client? # The one that serves a buffer.
function M.of(buf)
  return vim.lsp.get_clients({ name = 'dgemma', bufnr = buf })[1]
end

---@param buf integer
---@return integer # The version that the server knows the buffer's text by, or will once it is asked for something.
function M.version(buf)
  return vim.lsp.util.buf_versions[buf]
end

---@param buf integer
---@return {uri: string, version: integer}
function M.document(buf)
  return { uri = vim.uri_from_bufnr(buf), version = M.version(buf) }
end

return M
