--- Asks for suggestions, and shows and takes them: what happens at the cursor in Insert mode.
---
--- There is one cursor, so there is at most one request and one suggestion; both end with Insert mode.

local api = vim.api
local clients = require('dgemma.client')
local ghost = require('dgemma.inline.ghost')
local hunks = require('dgemma.hunks.hunk')
local options = require('dgemma.options')
local say = require('dgemma.say')
local status = require('dgemma.status')
local suggestion = require('dgemma.inline.suggestion')

local M = {}

local METHOD = 'textDocument/inlineCompletion'
local Kind = vim.lsp.protocol.InlineCompletionTriggerKind

---@class dgemma.Shown
---@field anchor dgemma.Anchor
---@field items dgemma.Item[]
---@field current dgemma.Item The one on the screen.
---@field asked boolean The user has asked for them, so there are all that the server has.

---@class dgemma.Request
---@field client vim.lsp.Client
---@field id integer
---@field anchor dgemma.Anchor

local shown ---@type dgemma.Shown?
local request ---@type dgemma.Request?
local timer = assert(vim.uv.new_timer())

---@return boolean
local function inserting()
  return vim.startswith(api.nvim_get_mode().mode, 'i')
end

--- The items that still hold, and the index among them of the one on the screen, or 1.
---@return dgemma.Item[], integer
local function holding()
  local items, index = {}, 1 ---@type dgemma.Item[], integer
  for _, item in ipairs(shown and shown.items or {}) do
    if suggestion.rest(shown.anchor, item) then
      table.insert(items, item)
      index = item == shown.current and #items or index
    end
  end
  return items, index
end

local function hide()
  if shown then
    ghost.hide(shown.anchor.buf)
    shown = nil
  end
end

--- Draws what still holds of the suggestion; where nothing does, takes it down.
local function draw()
  local items, index = holding()
  if #items == 0 then
    hide()
    return
  end
  shown.current = items[index]
  local hint = shown.asked and #items > 1 and ('%d/%d'):format(index, #items) or nil
  ghost.show(assert(suggestion.rest(shown.anchor, shown.current)), shown.current.covers, hint)
end

local function cancel()
  timer:stop()
  if request then
    request.client:cancel_request(request.id)
    request = nil
    status.set_thinking(false)
  end
end

--- Ends what is going on at the cursor.
function M.stop()
  cancel()
  hide()
end

---@param client vim.lsp.Client
---@param kind lsp.InlineCompletionTriggerKind
---@param on_items fun(anchor: dgemma.Anchor, items: dgemma.Item[])
local function ask(client, kind, on_items)
  cancel()
  local anchor = suggestion.anchor()
  local params = {
    textDocument = vim.lsp.util.make_text_document_params(anchor.buf),
    position = vim.lsp.util.make_position_params(0, client.offset_encoding).position,
    context = { triggerKind = kind },
  }
  local this ---@type dgemma.Request
  local sent, id = client:request(METHOD, params, function(err, result)
    if request ~= this then
      return -- Another one took its place.
    end
    request = nil
    status.set_thinking(false)
    if err then
      local why = clients.reason(err)
      if kind == Kind.Invoked then
        say(why, vim.log.levels.WARN)
      end
    elseif inserting() then
      local items = {} ---@type dgemma.Item[]
      for _, item in ipairs(result and (result.items or result) or {}) do
        table.insert(items, suggestion.read(anchor, item, client.offset_encoding))
      end
      on_items(anchor, items)
    end
    -- An edit is asked for only where nothing is to be inserted.
    require('dgemma.edits').look(0)
  end, anchor.buf)
  if sent then
    this = { client = client, id = assert(id), anchor = anchor }
    request = this
    status.set_thinking(true)
  end
end

--- Whether an answer for this place is being waited for.
---@return boolean
local function asking()
  return request ~= nil and vim.deep_equal(request.anchor, suggestion.anchor())
end

--- Whether an answer is being waited for.
---@return boolean
function M.is_asking()
  return request ~= nil
end

local function ask_automatically()
  local buf = api.nvim_get_current_buf()
  local client = clients.of(buf)
  if client and inserting() and M.is_enabled(buf) and not asking() then
    ask(client, Kind.Automatic, function(anchor, items)
      hide()
      shown = items[1] and { anchor = anchor, items = items, current = items[1], asked = false }
      draw()
    end)
  end
end

--- Asks for a suggestion by itself in a moment, unless that is called again before.
---@param ms integer
local function ask_in(ms)
  timer:start(ms, 0, vim.schedule_wrap(ask_automatically))
end

--- Asks once more for what could not be answered while the model was being loaded.
function M.ask_again()
  if not shown then
    ask_in(0)
  end
end

--- Looks at what has been typed or moved: keeps what holds on the screen, or asks anew.
local function look()
  draw()
  if shown then
    timer:stop()
  elseif not asking() then
    cancel()
    ask_in(options.get().debounce_ms)
  end
end

--- Whether suggestions come unasked in a buffer.
---@param buf integer
---@return boolean
function M.is_enabled(buf)
  return options.is_on('dgemma_enabled', buf)
end

--- Asks for all that the server has at the cursor, and shows the one that is `count` after the one on the screen.
---@param count integer
local function ask_for_all(count)
  local client = clients.here()
  if not client then
    return
  end
  local present = shown and suggestion.rest(shown.anchor, shown.current)
  ask(client, Kind.Invoked, function(anchor, items)
    hide()
    if #items == 0 then
      say(status.silence(client) or 'nothing to suggest here')
      return
    end
    local index = 0
    for i, item in ipairs(items) do
      index = item.text == present and i or index
    end
    index = index == 0 and 1 or (index + count - 1) % #items + 1
    shown = { anchor = anchor, items = items, current = items[index], asked = true }
    draw()
  end)
end

--- Asks for suggestions, several where there are, and enters Insert mode for it.
function M.suggest()
  if inserting() then
    ask_for_all(0)
    return
  end
  api.nvim_create_autocmd('InsertEnter', {
    once = true,
    callback = vim.schedule_wrap(function()
      ask_for_all(0)
    end),
  })
  local _, col = unpack(api.nvim_win_get_cursor(0))
  local at_end = col + 1 >= #api.nvim_get_current_line()
  vim.cmd.startinsert({ bang = at_end })
end

--- Shows another of the suggestions. The server is asked for several first if it has not been.
---@param count integer Negative to go back.
---@return boolean shown
function M.cycle(count)
  local items, index = holding()
  if #items == 0 then
    return false
  end
  if shown.asked then
    shown.current = items[(index + count - 1) % #items + 1]
    draw()
  else
    ask_for_all(count)
  end
  return true
end

--- Takes the suggestion, or a part of it, as a change of its own to undo.
---@param part? fun(text: string): string What of it to take; all where it is nil.
---@return boolean taken
function M.accept(part)
  local rest = shown and vim.fn.pumvisible() == 0 and suggestion.rest(shown.anchor, shown.current)
  if not shown or not rest then
    return false
  end
  local text = part and part(rest) or rest
  local covers = text == rest and shown.current.covers or 0
  local row, col = unpack(api.nvim_win_get_cursor(0))
  hunks.apply_apart({
    row = row - 1,
    col = col,
    end_row = row - 1,
    end_col = col + covers,
    lines = vim.split(text, '\n'),
  })
  look()
  return true
end

--- Takes the suggestion down, until the next key asks for another.
---@return boolean dismissed
function M.dismiss()
  local busy = shown ~= nil or request ~= nil
  M.stop()
  return busy
end

--- Whether a suggestion is on the screen.
---@return boolean
function M.visible()
  return #holding() > 0
end

--- Follows what is typed in a buffer.
---@param buf integer
function M.attach(buf)
  local group = api.nvim_create_augroup('dgemma.inline:' .. buf, {})
  api.nvim_create_autocmd('InsertEnter', {
    group = group,
    buf = buf,
    callback = function()
      ask_in(0) -- Nothing has been typed; and the server reads the file while the first keys are.
    end,
  })
  api.nvim_create_autocmd({ 'CursorMovedI', 'TextChangedI', 'TextChangedP' }, {
    group = group,
    buf = buf,
    callback = look,
  })
  api.nvim_create_autocmd({ 'InsertLeave', 'BufLeave', 'LspDetach' }, {
    group = group,
    buf = buf,
    callback = M.stop,
  })
end

return M
