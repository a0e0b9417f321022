--- Keeps the suggestion on the screen true while the user goes on typing.
---
--- Neovim draws the last answer until the next one comes, at the place that the server named, whatever
--- has been typed meanwhile. Typing along with a suggestion is fine that way; after any other change
--- it would show, and accept, text in the wrong place.

local api = vim.api

local M = {}

local namespace = api.nvim_create_namespace('nvim.lsp.inline_completion')

---@class dgemma.Ghost What is drawn of a suggestion.
---@field row integer
---@field col integer Byte column of its first character that is not typed yet.
---@field text string The rest of its first line.

---@param buf integer
---@return dgemma.Ghost?
local function drawn(buf)
  local opts = { details = true, limit = 1 }
  local mark = api.nvim_buf_get_extmarks(buf, namespace, 0, -1, opts)[1]
  if mark then
    return { row = mark[2], col = mark[3], text = mark[4].virt_text[1][1] }
  end
end

--- The text from a place to the cursor, or nil if the cursor is not to the right of it.
---@param row integer
---@param col integer
---@return string?
local function typed_since(row, col)
  local cursor_row, cursor_col = unpack(api.nvim_win_get_cursor(0))
  if cursor_row - 1 == row and cursor_col >= col then
    return api.nvim_get_current_line():sub(col + 1, cursor_col)
  end
end

--- Takes the suggestion down and asks for another.
---@param buf integer
local function dismiss(buf)
  -- Neovim forgets it only after the next redraw; until then it must not be seen.
  api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  vim.lsp.inline_completion.get({
    bufnr = buf,
    on_accept = function()
      -- Forgetting it also dropped the request that the change itself had scheduled.
      local group = 'nvim.lsp.inline_completion:' .. buf
      api.nvim_exec_autocmds('CursorMovedI', { group = group, buf = buf })
    end,
  })
end

--- Takes a suggestion down as soon as it no longer continues what is typed.
---@param buf integer
function M.watch(buf)
  local group = api.nvim_create_augroup('dgemma.ghost:' .. buf, {})
  local before ---@type dgemma.Ghost? What was drawn before the keys typed since the last look.
  local seen ---@type integer? The change that was looked at last.

  api.nvim_create_autocmd('InsertCharPre', {
    group = group,
    buf = buf,
    callback = function()
      before = before or drawn(buf)
    end,
  })
  api.nvim_create_autocmd({ 'CursorMovedI', 'TextChangedI' }, {
    group = group,
    buf = buf,
    callback = function(event)
      local tick = api.nvim_buf_get_changedtick(buf)
      if event.event == 'TextChangedI' and tick == seen then
        return -- The cursor moved with this change.
      end
      local typed = before and typed_since(before.row, before.col)
      local continues = typed and vim.startswith(before.text, typed)
      before, seen = nil, tick
      if not continues and drawn(buf) then
        dismiss(buf)
      end
    end,
  })
end

--- The suggestion with its range stretched over those of its characters that have been typed since
--- the server answered, or nil if something else has been typed.
---@param item vim.lsp.inline_completion.Item
---@return vim.lsp.inline_completion.Item?
function M.fit(item)
  local range = item.range
  if not range or not range:is_empty() then
    return item
  end
  local row, col = range:to_extmark()
  local typed = typed_since(row, col)
  if typed and vim.startswith(item.insert_text --[[@as string]], typed) then
    item.range = vim.range.extmark(range.buf, row, col, row, col + #typed)
    return item
  end
end

return M
