--- What dgemma-lsp has to offer, for keys and configurations of the user's.

local M = {}

local DESCRIPTIONS = {
  accept = 'Accept the suggestion',
  accept_word = 'Accept the next word of the suggestion',
  accept_line = 'Accept the next line of the suggestion',
  suggest = 'Ask for suggestions',
  next = 'Show the next suggestion',
  previous = 'Show the previous suggestion',
  dismiss = 'Dismiss the suggestion',
}

--- Maps a key to rewrite, where the user has not mapped it.
---@param buf integer
local function map_rewrite(buf)
  local key = require('dgemma.options').get().normal_keys.rewrite
  for _, mode in ipairs(key and { 'n', 'x' } or {}) do
    if vim.fn.maparg(key, mode) == '' then
      vim.keymap.set(mode, key, '<Plug>(dgemma-rewrite)', { buf = buf, desc = 'Rewrite (dgemma)' })
    end
  end
end

--- Shows suggestions in a buffer, and maps the keys there.
---@param client vim.lsp.Client
---@param buf integer
function M.attach(client, buf)
  -- Neovim's own |vim.lsp.inline_completion|, where the user has it on for other servers, would show everything twice.
  client.server_capabilities.inlineCompletionProvider = nil
  require('dgemma.inline').attach(buf)
  require('dgemma.edits').attach(buf)
  require('dgemma.cursor').attach(buf)
  for name, key in pairs(require('dgemma.options').get().keys) do
    if key then
      require('dgemma.key').map(key, M[name], buf, DESCRIPTIONS[name])
    end
  end
  map_rewrite(buf)
end

--- Takes the suggestion on the screen, unless the completion menu is open: then the key is the menu's. Of an edit that
--- is farther away it goes there first.
---@return boolean taken
function M.accept()
  return require('dgemma.inline').accept() or require('dgemma.edits').accept()
end

--- Takes the next word of it.
---@return boolean taken
function M.accept_word()
  return require('dgemma.inline').accept(require('dgemma.inline.suggestion').first_word)
end

--- Takes the next line of it.
---@return boolean taken
function M.accept_line()
  return require('dgemma.inline').accept(require('dgemma.inline.suggestion').first_line)
end

--- Asks for suggestions at the cursor, however sure the model is of them; enters Insert mode where that is not on.
---@return boolean asked Always, so that its key has no other meaning.
function M.suggest()
  require('dgemma.inline').suggest()
  return true
end

--- Shows the next of the suggestions.
---@return boolean shown
function M.next()
  return require('dgemma.inline').cycle(1)
end

--- Shows the previous of the suggestions.
---@return boolean shown
function M.previous()
  return require('dgemma.inline').cycle(-1)
end

--- Takes the suggestion down; an edit does not come back then.
---@return boolean dismissed
function M.dismiss()
  local dismissed = require('dgemma.inline').dismiss()
  return require('dgemma.edits').dismiss() or dismissed
end

--- Asks for an edit that follows from the last one, however sure the model is of it.
function M.suggest_edit()
  require('dgemma.edits').suggest()
end

--- Whether a suggestion is on the screen.
---@return boolean
function M.visible()
  return require('dgemma.inline').visible()
end

--- Rewrites the selection, or in Normal mode the statement at the cursor.
---@param instruction string? Asked for where it is nil.
function M.rewrite(instruction)
  local selection = require('dgemma.rewrite.selection')
  local range ---@type dgemma.Range
  if vim.fn.mode():match('^[vV\22]') then
    vim.cmd.normal({ '\27', bang = true }) -- Only then do the marks say what is selected.
    range = selection.visual()
  else
    range = selection.at_cursor()
  end
  require('dgemma.rewrite').ask(range, instruction)
end

--- What the server is doing, in a word or two: for a status line.
---@return string
function M.status()
  return require('dgemma.status').summary()
end

return M
