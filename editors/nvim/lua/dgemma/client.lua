--- The clients of the language server, one for each folder.

local say = require('dgemma.say')

local M = {}

---@return vim.lsp.Client[]
function M.all()
  return vim.lsp.get_clients({ name = 'dgemma' })
end

---@param buf integer
---@return vim.lsp.Client? # The one that serves a buffer.
function M.of(buf)
  return vim.lsp.get_clients({ name = 'dgemma', bufnr = buf })[1]
end

---@return vim.lsp.Client? # The one that serves the present buffer; that there is none is said.
function M.here()
  local client = M.of(0)
  if not client then
    say('no server runs for this buffer; see :checkhealth dgemma', vim.log.levels.WARN)
  end
  return client
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
