--- Rewrites of a selection to an instruction: asked for, watched while they are denoised, and reviewed.
---
--- A buffer has at most one; a newer takes the place of the older. Nothing is changed before the user accepts a hunk.

local api = vim.api
local clients = require('dgemma.client')
local draft = require('dgemma.rewrite.draft')
local hunk = require('dgemma.hunks.hunk')
local key = require('dgemma.key')
local keys = require('dgemma.rewrite.keys')
local legend = require('dgemma.rewrite.legend')
local options = require('dgemma.options')
local prompt = require('dgemma.rewrite.prompt')
local reviews = require('dgemma.rewrite.review')
local say = require('dgemma.say')

local M = {}

local METHOD = 'dgemma/rewrite'
local CHANGED = 'the text has changed meanwhile'
local drafts = api.nvim_create_namespace('dgemma.draft')
local places = api.nvim_create_namespace('dgemma.rewrite')
local group = api.nvim_create_augroup('dgemma.rewrite', {})

---@class dgemma.Rewrite
---@field buf integer
---@field client vim.lsp.Client
---@field instruction string
---@field seed integer
---@field version integer Of the buffer, when it was asked for.
---@field mark integer The extmark of what is to be rewritten.
---@field token string Of its drafts.
---@field request integer? While it runs.
---@field review dgemma.Review? Once it is answered.
---@field release fun() Gives the keys back.

local rewrites = {} ---@type table<integer, dgemma.Rewrite> By buffer.
local count = 0

---@param rewrite dgemma.Rewrite
---@return dgemma.Range
local function range_of(rewrite)
  local row, col, details =
    unpack(api.nvim_buf_get_extmark_by_id(rewrite.buf, places, rewrite.mark, { details = true }))
  return { row = row, col = col, end_row = details.end_row, end_col = details.end_col }
end

--- Ends what is going on in a buffer, if anything is.
---@param buf integer
function M.stop(buf)
  local rewrite = rewrites[buf]
  if not rewrite then
    return
  end
  rewrites[buf] = nil
  if rewrite.request then
    rewrite.client:cancel_request(rewrite.request)
  end
  if api.nvim_buf_is_valid(buf) then
    rewrite.release()
    api.nvim_buf_clear_namespace(buf, drafts, 0, -1)
    api.nvim_buf_clear_namespace(buf, places, 0, -1)
    api.nvim_clear_autocmds({ group = group, buf = buf })
  end
  if rewrite.review then
    rewrite.review:clear()
  end
  if buf == api.nvim_get_current_buf() then
    legend.hide()
  end
end

local act ---@type fun(rewrite: dgemma.Rewrite, name: string)

--- Maps the keys that have a meaning at this moment, and shows them if the buffer is the present one.
---@param rewrite dgemma.Rewrite
local function offer_keys(rewrite)
  rewrite.release()
  local actions, shown = {}, {} ---@type table<string, fun()>, [string, string][]
  for _, offered in ipairs(keys.offered(rewrite.review)) do
    actions[offered.key] = function()
      act(rewrite, offered.name)
    end
    table.insert(shown, { offered.key, offered.label })
  end
  rewrite.release = key.borrow(rewrite.buf, actions)
  if rewrite.buf == api.nvim_get_current_buf() then
    legend.show(keys.title(rewrite.review), shown)
  end
end

act = function(rewrite, name)
  local review = rewrite.review
  if name == 'cancel' then
    M.stop(rewrite.buf)
  elseif name == 'retry' then
    -- The same words with the same seed would get the same answer.
    M.start(rewrite.buf, range_of(rewrite), rewrite.instruction, rewrite.seed + 1)
  elseif review and review:is_stale() then
    local retry = options.get().review_keys.retry
    say(
      ('the text has changed since; nothing is applied, %s asks again'):format(retry or ':Dgemma'),
      vim.log.levels.WARN
    )
  elseif review and hunk.can_change(rewrite.buf) then
    keys.decide(name, review)
    if #review.open == 0 then
      M.stop(rewrite.buf)
    else
      offer_keys(rewrite)
    end
  end
end

--- Ends a rewrite that will not be answered, or not for this text.
---@param rewrite dgemma.Rewrite
---@param why string
local function give_up(rewrite, why)
  M.stop(rewrite.buf)
  say(why .. '; nothing was rewritten', vim.log.levels.WARN)
end

--- Takes the answer.
---@param rewrite dgemma.Rewrite
---@param err lsp.ResponseError?
---@param result table?
local function take(rewrite, err, result)
  rewrite.request = nil
  if clients.version(rewrite.buf) ~= rewrite.version then
    give_up(rewrite, CHANGED)
    return
  end
  local rejection = result and result.rejection
  local notice = result and result.stats and result.stats.notice
  local candidates = {} ---@type dgemma.Hunk[][]
  for _, candidate in ipairs(result and result.candidates or {}) do
    table.insert(
      candidates,
      vim.tbl_map(function(edit)
        return hunk.read(rewrite.buf, edit, rewrite.client.offset_encoding)
      end, candidate.hunks)
    )
  end
  if err or #candidates == 0 then
    M.stop(rewrite.buf)
    local why = err and clients.reason(err) or rejection and rejection.message
    say(why or 'nothing came of the rewrite', err and vim.log.levels.WARN)
    return
  end
  api.nvim_buf_clear_namespace(rewrite.buf, drafts, 0, -1)
  rewrite.review = reviews.new(rewrite.buf, candidates)
  offer_keys(rewrite)
  if notice then
    say(notice, vim.log.levels.WARN)
  end
end

--- Follows what becomes of the buffer of a rewrite.
---@param rewrite dgemma.Rewrite
local function watch(rewrite)
  local buf = rewrite.buf
  api.nvim_buf_attach(buf, false, {
    on_lines = function()
      if rewrites[buf] ~= rewrite or not rewrite.request then
        return true
      end
      vim.schedule(function()
        if rewrites[buf] == rewrite and rewrite.request then
          give_up(rewrite, CHANGED)
        end
      end)
      return true
    end,
  })
  api.nvim_create_autocmd({ 'BufEnter', 'WinEnter', 'VimResized' }, {
    group = group,
    buf = buf,
    callback = function()
      offer_keys(rewrite)
    end,
  })
  api.nvim_create_autocmd({ 'BufLeave', 'WinLeave' }, {
    group = group,
    buf = buf,
    callback = legend.hide,
  })
  api.nvim_create_autocmd('BufUnload', {
    group = group,
    buf = buf,
    callback = function()
      M.stop(buf)
    end,
  })
  -- Neovim keeps to itself that the server has cancelled a request, for a code action's rewrite, say; an answer would
  -- come with the end of the request, or a moment later.
  api.nvim_create_autocmd('LspRequest', {
    group = group,
    buf = buf,
    callback = function(event)
      local data = event.data
      if data.request_id == rewrite.request and data.request.type == 'complete' then
        vim.defer_fn(function()
          if rewrites[buf] == rewrite and rewrite.request == data.request_id then
            give_up(rewrite, 'another rewrite of this text took its place')
          end
        end, 100)
      end
    end,
  })
  api.nvim_create_autocmd('LspDetach', {
    group = group,
    buf = buf,
    callback = function(event)
      -- The buffer may as well be closed.
      local ended = event.data.client_id == rewrite.client.id and rewrite.client:is_stopped()
      if ended and rewrite.request then
        M.stop(buf)
        -- After what Neovim itself will say of it, which would hide it.
        vim.schedule(vim.schedule_wrap(function()
          say('nothing was rewritten; ' .. clients.ENDED, vim.log.levels.WARN)
        end))
      end
    end,
  })
end

--- Asks for a rewrite, in place of the one that is going on in the buffer.
---@param buf integer The present one.
---@param range dgemma.Range
---@param instruction string
---@param seed integer
function M.start(buf, range, instruction, seed)
  M.stop(buf)
  local client = clients.here()
  if not client or not hunk.can_change(buf) then
    return
  end
  count = count + 1
  ---@type dgemma.Rewrite
  local rewrite = {
    buf = buf,
    client = client,
    instruction = instruction,
    seed = seed,
    version = clients.version(buf),
    token = 'dgemma/rewrite/' .. count,
    mark = api.nvim_buf_set_extmark(buf, places, range.row, range.col, {
      end_row = range.end_row,
      end_col = range.end_col,
      right_gravity = false,
      end_right_gravity = true,
    }),
    release = function() end,
  }
  local encoding = client.offset_encoding
  local params = {
    textDocument = clients.document(buf),
    range = {
      start = hunk.position(buf, range.row, range.col, encoding),
      ['end'] = hunk.position(buf, range.end_row, range.end_col, encoding),
    },
    instruction = instruction,
    partialResultToken = rewrite.token,
    seed = seed,
  }
  ---@diagnostic disable-next-line: param-type-mismatch -- The method is our server's own.
  local sent, request = client:request(METHOD, params, function(err, result)
    if rewrites[buf] == rewrite then
      take(rewrite, err, result)
    end
  end, buf)
  if not sent then
    say(clients.ENDED, vim.log.levels.WARN)
    return
  end
  rewrite.request = request
  rewrites[buf] = rewrite
  local row = api.nvim_win_get_cursor(0)[1] - 1
  if row < range.row or row > range.end_row then
    api.nvim_win_set_cursor(0, { range.row + 1, range.col }) -- Its draft should be on the screen.
  end
  offer_keys(rewrite)
  watch(rewrite)
end

--- Draws a draft, if the progress is one of a rewrite's.
---@param progress lsp.ProgressParams
---@return boolean
function M.take_draft(progress)
  local token = progress.token
  if type(token) ~= 'string' or not vim.startswith(token, 'dgemma/rewrite/') then
    return false
  end
  for buf, rewrite in pairs(rewrites) do
    if rewrite.token == token and rewrite.request then
      api.nvim_buf_clear_namespace(buf, drafts, 0, -1)
      api.nvim_buf_call(buf, function()
        draft.draw(buf, drafts, range_of(rewrite), progress.value)
      end)
    end
  end
  return true
end

--- Whether a rewrite is going on in a buffer.
---@param buf integer
---@return boolean
function M.is_active(buf)
  return rewrites[buf] ~= nil
end

--- Rewrites a part of the present buffer; asks for the instruction where there is none.
---@param range dgemma.Range
---@param instruction string?
function M.ask(range, instruction)
  ---@param words string
  local function start(words)
    M.start(api.nvim_get_current_buf(), range, words, 0)
  end
  instruction = vim.trim(instruction or '')
  if instruction == '' then
    prompt.ask(range, start)
  else
    start(instruction)
  end
end

return M
