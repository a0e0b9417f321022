--- Edits that follow from the last one: asked for once the text has settled, shown, and accepted with one key.
---
--- There is one cursor, so there is at most one request and one edit.

local api = vim.api
local clients = require('dgemma.client')
local context = require('dgemma.edits.context')
local display = require('dgemma.edits.display')
local edits = require('dgemma.edits.edit')
local history = require('dgemma.edits.history')
local hunks = require('dgemma.hunks.hunk')
local inline = require('dgemma.inline')
local jump = require('dgemma.edits.jump')
local key = require('dgemma.key')
local options = require('dgemma.options')
local rewrite = require('dgemma.rewrite')
local say = require('dgemma.say')

local M = {}

local METHOD = 'dgemma/inlineEdit'
local Kind = vim.lsp.protocol.InlineCompletionTriggerKind

---@class dgemma.Suggested
---@field client vim.lsp.Client
---@field edit dgemma.Edit
---@field from integer The buffer that it was asked for in.
---@field version integer Of that buffer.
---@field visited boolean Whether the user has gone to it.
---@field drawn 'edit'|'hint'|nil What of it is on the screen.

local suggested ---@type dgemma.Suggested?
local request ---@type {client: vim.lsp.Client, id: integer}?
local keys ---@type {buf: integer, release: fun()}? Those of Normal mode.
local settled = {} ---@type table<integer, integer> Of each buffer the version that needs no asking, or no more.
local timer = assert(vim.uv.new_timer())

---@return string # `n`, `i`, or what else Neovim calls it.
local function mode()
  local now = api.nvim_get_mode().mode
  return vim.startswith(now, 'i') and 'i' or now
end

--- Whether something else has the screen and the keys.
---@return boolean
local function is_blocked()
  local now = mode()
  return (now ~= 'n' and now ~= 'i')
    or vim.fn.pumvisible() == 1
    or inline.visible()
    or vim.snippet.active()
    or rewrite.is_active(api.nvim_get_current_buf())
end

--- Whether the cursor is where the key indents a line.
---@return boolean
local function is_indenting()
  local col = api.nvim_win_get_cursor(0)[2]
  return mode() == 'i' and vim.trim(api.nvim_get_current_line():sub(1, col)) == ''
end

--- Whether edits come unasked in a buffer.
---@param buf integer
---@return boolean
function M.is_enabled(buf)
  -- Where there is a client for another plug-in, that one shows them.
  local elsewhere = vim.lsp.get_clients({ name = 'dgemma_copilot', bufnr = buf })[1]
  return options.is_on('dgemma_edits', buf) and not elsewhere and inline.is_enabled(buf)
end

local function release_keys()
  if keys then
    keys.release()
    keys = nil
  end
end

local function borrow_keys()
  local buf = api.nvim_get_current_buf()
  if keys and keys.buf == buf then
    return
  end
  release_keys()
  local bound = options.get().normal_keys
  local actions = {} ---@type table<string, fun()>
  for name, act in pairs({ accept_edit = M.accept, dismiss_edit = M.dismiss }) do
    if bound[name] then
      actions[bound[name]] = act
    end
  end
  keys = { buf = buf, release = key.borrow(buf, actions) }
end

--- Draws what is suggested as it is to be seen from the cursor; forgets it where the text has changed.
function M.redraw()
  if not suggested then
    return
  end
  local edit, buf = suggested.edit, api.nvim_get_current_buf()
  local elsewhere = buf ~= edit.buf and buf ~= suggested.from
  if not edits.is_current(edit) or clients.version(suggested.from) ~= suggested.version then
    M.hide()
  elseif elsewhere or is_blocked() or (is_indenting() and not suggested.visited) then
    suggested.drawn = nil
    display.clear()
    release_keys()
  else
    local normal, bound = mode() == 'n', options.get()
    local going = normal and bound.normal_keys.accept_edit or bound.keys.accept or nil
    suggested.drawn = display.draw(edit, suggested.visited, going) and 'edit' or 'hint'
    if normal then
      borrow_keys()
    else
      release_keys()
    end
  end
end

local function cancel()
  timer:stop()
  if request then
    request.client:cancel_request(request.id)
    request = nil
  end
end

--- Takes down what is suggested.
function M.hide()
  suggested = nil
  display.clear()
  release_keys()
end

---@param client vim.lsp.Client
---@param kind lsp.InlineCompletionTriggerKind
---@param on_nothing? fun(why: string?)
local function ask(client, kind, on_nothing)
  cancel()
  local buf = api.nvim_get_current_buf()
  local version = clients.version(buf)
  settled[buf] = version
  local this = { client = client }
  ---@diagnostic disable-next-line: param-type-mismatch -- The method is our server's own.
  local sent, id = client:request(METHOD, context.params(client, kind), function(err, result)
    if request ~= this then
      return -- Another one took its place.
    end
    request = nil
    if err then
      local why = clients.reason(err)
      if on_nothing then
        on_nothing(why)
      end
      return
    end
    local edit = result.edit and edits.read(result.edit, client.offset_encoding)
    if edit and clients.version(buf) == version then
      M.hide()
      suggested = { client = client, edit = edit, from = buf, version = version, visited = false }
      M.redraw()
    elseif on_nothing then
      on_nothing(result.rejection and result.rejection.message)
    end
  end, buf)
  if sent then
    this.id = id
    request = this
  end
end

local function ask_automatically()
  local buf = api.nvim_get_current_buf()
  local client = clients.of(buf)
  if not client then
    return
  elseif not history.look(buf) then
    settled[buf] = clients.version(buf)
  elseif
    settled[buf] ~= clients.version(buf)
    and M.is_enabled(buf)
    and vim.bo[buf].modifiable
    and vim.fn.reg_recording() .. vim.fn.reg_executing() == ''
    and not is_blocked()
    and not inline.is_asking() -- What can be inserted at the cursor goes before.
  then
    ask(client, Kind.Automatic)
  end
end

--- Looks at what has become of the text: takes down what does not hold, and asks anew once it has settled.
---@param ms integer? After that time; where it is nil as the options say.
function M.look(ms)
  M.redraw()
  timer:start(ms or options.get().debounce_ms, 0, vim.schedule_wrap(ask_automatically))
end

--- Asks for an edit, however sure the model is of it.
function M.suggest()
  local client = clients.here()
  if not client then
    return
  end
  M.hide()
  ask(client, Kind.Invoked, function(why)
    say(why or 'no edit to suggest here')
  end)
end

--- Tells the server what became of an edit.
---@param client vim.lsp.Client
---@param command lsp.Command
local function tell(client, command)
  local params = { command = command.command, arguments = command.arguments }
  client:request('workspace/executeCommand', params, function() end)
end

--- Makes an edit, as a change of its own to undo, and asks for the one that follows.
---@param taken dgemma.Suggested
local function apply(taken)
  local edit = taken.edit
  if not hunks.can_change(edit.buf) then
    return
  end
  M.hide()
  hunks.apply_apart(edit.hunk)
  history.look(edit.buf)
  tell(taken.client, edit.command)
  ask(taken.client, Kind.Automatic)
end

--- Goes to the edit that is suggested, or makes it if the cursor is there.
---@return boolean taken
function M.accept()
  M.redraw()
  if not suggested or not suggested.drawn then
    return false
  elseif suggested.drawn == 'edit' then
    apply(suggested)
  elseif jump(suggested.edit) then
    suggested.visited = true
    M.redraw()
  end
  return true
end

--- Takes the edit down, so that it does not come back.
---@return boolean dismissed
function M.dismiss()
  if not suggested or not suggested.drawn then
    return false
  end
  local edit = suggested.edit
  tell(suggested.client, { command = 'dgemma.editRejected', arguments = { edit.id } })
  M.hide()
  return true
end

--- Follows what is changed in a buffer.
---@param buf integer
function M.attach(buf)
  history.look(buf)
  settled[buf] = clients.version(buf)
  local group = api.nvim_create_augroup('dgemma.edits:' .. buf, {})
  api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI', 'InsertLeave' }, {
    group = group,
    buf = buf,
    callback = function()
      M.look()
    end,
  })
  local seen_otherwise = { 'CursorMoved', 'CursorMovedI', 'BufEnter', 'InsertEnter' }
  local menu = { 'TextChangedP', 'CompleteChanged', 'CompleteDone' }
  api.nvim_create_autocmd(vim.list_extend(seen_otherwise, menu), {
    group = group,
    buf = buf,
    callback = vim.schedule_wrap(M.redraw),
  })
  api.nvim_create_autocmd('LspDetach', {
    group = group,
    buf = buf,
    callback = function(event)
      if suggested and suggested.client.id == event.data.client_id then
        M.hide()
      end
    end,
  })
end

return M
