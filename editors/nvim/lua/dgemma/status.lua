--- What the server last said of itself, in `dgemma/status`.

local M = {}

---@class dgemma.Status
---@field state 'starting'|'downloading'|'loading'|'ready'|'busy'|'paused'|'failed'
---@field message string
---@field checkpoint string
---@field progress number? Of loading, 0 to 1.
---@field lastSilence string? Why the last request got no suggestion.

local latest ---@type dgemma.Status?

---@param status dgemma.Status
function M.update(status)
  latest = status
  vim.api.nvim_exec_autocmds('User', { pattern = 'DgemmaStatus', data = status })
  vim.cmd.redrawstatus()
end

--- The state in a word, with the progress of loading.
---@return string
function M.summary()
  if not latest or #vim.lsp.get_clients({ name = 'dgemma' }) == 0 then
    return ''
  end
  local progress = type(latest.progress) == 'number' and (' %d%%'):format(latest.progress * 100)
  return 'dgemma: ' .. latest.state .. (progress or '')
end

--- All of a status, a line for each thing.
---@param status dgemma.Status
---@return string[]
function M.describe(status)
  local lines = { status.state .. ': ' .. status.message }
  if status.checkpoint ~= '' then
    table.insert(lines, 'checkpoint: ' .. status.checkpoint)
  end
  if type(status.lastSilence) == 'string' then
    table.insert(lines, 'no suggestion last time: ' .. status.lastSilence)
  end
  return lines
end

--- Asks a server how it fares, within a second.
---@param client vim.lsp.Client
---@return string[] description
function M.ask(client)
  ---@diagnostic disable-next-line: param-type-mismatch -- The method is our server's own.
  local answer, failure = client:request_sync('dgemma/status', vim.empty_dict(), 1000)
  if not answer or answer.err then
    return { 'the server does not answer: ' .. (failure or answer and answer.err.message or '') }
  end
  return M.describe(answer.result)
end

return M
