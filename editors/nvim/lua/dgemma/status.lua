--- What the server last said of itself, in `dgemma/status`.

local M = {}

---@class dgemma.Status
---@field state 'starting'|'downloading'|'loading'|'ready'|'busy'|'paused'|'failed'
---@field message string
---@field checkpoint string
---@field progress number? Of loading, 0 to 1.
---@field lastSilence string? Why the last request got no suggestion.

local latest = {} ---@type table<integer, dgemma.Status> By client.

---@param client_id integer
---@param status dgemma.Status
function M.update(client_id, status)
  latest[client_id] = status
  vim.api.nvim_exec_autocmds('User', { pattern = 'DgemmaStatus', data = status })
  vim.cmd.redrawstatus()
end

--- The state in a word, with the progress of loading. Empty while no server runs.
---@return string
function M.summary()
  for _, client in ipairs(vim.lsp.get_clients({ name = 'dgemma' })) do
    local status = latest[client.id] or { state = 'starting' }
    local progress = type(status.progress) == 'number' and (' %d%%'):format(status.progress * 100)
    return 'dgemma: ' .. status.state .. (progress or '')
  end
  return ''
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
