--- What the server last said of itself, in `dgemma/status`.

local clients = require('dgemma.client')
local say = require('dgemma.say')

local M = {}

---@class dgemma.Status
---@field state 'starting'|'loading'|'ready'|'busy'|'paused'|'failed'
---@field message string
---@field checkpoint string
---@field progress number? Of loading, 0 to 1.
---@field lastSilence string? Why the last request got no suggestion.
---@field lastSilenceReason string? The same as a code.

local latest = {} ---@type table<integer, dgemma.Status> By client.
local LOADING = { starting = true, loading = true }

local thinking = false
local told ---@type string? The failure that the user has been told of, and that still lasts.

---@param status dgemma.Status?
local function announce(status)
  vim.api.nvim_exec_autocmds('User', { pattern = 'DgemmaStatus', data = status })
  vim.cmd.redrawstatus()
end

---@param client_id integer
---@param status dgemma.Status
function M.update(client_id, status)
  local before = latest[client_id]
  latest[client_id] = status
  announce(status)
  if status.state == 'ready' then
    told = nil
    if before and LOADING[before.state] then
      require('dgemma.inline').ask_again()
    end
  elseif status.state == 'failed' and told ~= status.message then
    told = status.message
    say(told, vim.log.levels.WARN)
  end
end

--- Notes whether a suggestion is being waited for.
---@param now boolean
function M.set_thinking(now)
  if thinking ~= now then
    thinking = now
    announce()
  end
end

-- These say of a request only that another one took its place, or that it still runs.
local NO_ANSWER = { cancelled = true, superseded = true, thinking = true }

--- Why a status says that there was nothing to suggest; nil where there was something, or no answer.
---@param status dgemma.Status?
---@return string?
local function silence_of(status)
  if
    status
    and type(status.lastSilence) == 'string'
    and not NO_ANSWER[status.lastSilenceReason]
  then
    return status.lastSilence
  end
end

--- Why the last request got nothing; nil where it got something.
---@param client vim.lsp.Client
---@return string?
function M.silence(client)
  return silence_of(latest[client.id])
end

--- The state in a word, with the progress of loading or why nothing was suggested. Empty where no server
--- serves the buffer.
---@return string
function M.summary()
  local client = clients.of(0)
  if not client then
    return ''
  end
  local status = latest[client.id] or { state = 'starting' }
  local word = status.state ---@type string
  if type(status.progress) == 'number' then
    word = ('%s %d%%'):format(word, status.progress * 100)
  elseif thinking then
    word = 'thinking'
  elseif
    word == 'ready' and not require('dgemma.inline').is_enabled(vim.api.nvim_get_current_buf())
  then
    word = 'off'
  elseif word == 'ready' and M.silence(client) then
    word = ('%s (%s)'):format(word, M.silence(client))
  end
  return 'dgemma: ' .. word
end

--- Asks a server how it fares, within a second.
---@param client vim.lsp.Client
---@return dgemma.Status? status, string? failure
local function ask(client)
  ---@diagnostic disable-next-line: param-type-mismatch -- The method is our server's own.
  local answer, failure = client:request_sync('dgemma/status', vim.empty_dict(), 1000)
  if not answer or answer.err then
    return nil, failure == 'timeout' and 'the server does not answer within a second'
      or answer and clients.reason(answer.err)
      or clients.ENDED
  end
  return answer.result
end

--- How a server fares, a line for each thing.
---@param client vim.lsp.Client
---@return string[]
function M.describe(client)
  local status, failure = ask(client)
  if not status then
    return { failure }
  end
  local lines = { status.state .. ': ' .. status.message }
  if status.checkpoint ~= '' then
    table.insert(lines, 'checkpoint: ' .. status.checkpoint)
  end
  if silence_of(status) then
    table.insert(lines, 'no suggestion last time: ' .. silence_of(status))
  end
  return lines
end

--- How a server fares, in a line.
---@param client vim.lsp.Client
---@return string
function M.line(client)
  local status, failure = ask(client)
  if not status then
    return assert(failure)
  end
  if status.state ~= 'ready' and status.state ~= 'busy' then
    return status.state .. ': ' .. status.message
  end
  local silence = silence_of(status)
  local words = silence and '; no suggestion last time: ' .. silence or ''
  return ('%s, %s%s'):format(status.state, status.checkpoint, words)
end

return M
