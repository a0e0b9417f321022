--- The clients of the language server, one for each folder.

local program = require('dgemma.program')
local say = require('dgemma.say')

local M = {}

local NAME = 'dgemma'

M.ENDED = 'the server has ended; `:Dgemma restart` starts it anew'

---@return vim.lsp.Client[]
function M.all()
  return vim.lsp.get_clients({ name = NAME })
end

---@param buf integer
---@return vim.lsp.Client? # The one that serves a buffer.
function M.of(buf)
  return vim.lsp.get_clients({ name = NAME, bufnr = buf })[1]
end

--- Why no server serves a buffer, and what can be done about it.
---@param buf integer
---@return string
local function absence(buf)
  local missing = program.missing()
  if missing then
    return missing .. ' is not installed; see :checkhealth dgemma'
  elseif not vim.lsp.is_enabled(NAME) then
    return "switched off; vim.lsp.enable('dgemma') switches it on"
  elseif vim.bo[buf].filetype == '' or vim.bo[buf].buftype ~= '' then
    return 'only files whose type Neovim knows are served; see :help filetype'
  elseif vim.lsp.get_clients({ name = NAME, bufnr = buf, _uninitialized = true })[1] then
    return 'the server is starting'
  end
  return 'no server runs here; `:Dgemma restart` starts one'
end

--- Why a request failed, in words for the user.
---@param err lsp.ResponseError
---@return string
function M.reason(err)
  vim.lsp.log.error(NAME, err)
  return err.code == vim.lsp.protocol.ErrorCodes.InternalError
      and 'an error in dgemma-lsp; :checkhealth vim.lsp names the log that says more'
    or err.message
end

--- Says why no server serves the present buffer.
function M.say_absence()
  say(absence(vim.api.nvim_get_current_buf()), vim.log.levels.WARN)
end

---@return vim.lsp.Client? # The one that serves the present buffer; that there is none is said.
function M.here()
  local client = M.of(0)
  if not client then
    M.say_absence()
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
