--- What is left of a suggestion after what has been typed since it was asked for.
---
--- A suggestion belongs to the place that it was asked for at. It holds as long as the text there has changed by
--- nothing but the beginning of the suggestion, typed at the cursor; this is read off the buffer each time, so
--- typing along, deleting again, and accepting a part need nothing remembered.

local api = vim.api

local M = {}

---@class dgemma.Anchor Where a suggestion was asked for.
---@field buf integer
---@field row integer
---@field before string The line up to the cursor.
---@field after string The rest of the line.

---@class dgemma.Item
---@field text string What to insert at the anchor.
---@field covers integer How many bytes to the right of the cursor it replaces.

---@return integer row, integer col, string line
local function cursor()
  local row, col = unpack(api.nvim_win_get_cursor(0))
  return row - 1, col, api.nvim_get_current_line()
end

--- The place of the cursor.
---@return dgemma.Anchor
function M.anchor()
  local row, col, line = cursor()
  return {
    buf = api.nvim_get_current_buf(),
    row = row,
    before = line:sub(1, col),
    after = line:sub(col + 1),
  }
end

--- Reads an item of the protocol; nil where it could not be shown at the cursor.
---@param anchor dgemma.Anchor
---@param item lsp.InlineCompletionItem
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return dgemma.Item?
function M.read(anchor, item, encoding)
  local text, range = item.insertText, item.range
  if type(text) ~= 'string' then
    return
  end
  if not range then
    return { text = text, covers = 0 }
  end
  local line = anchor.before .. anchor.after
  local first = vim.str_byteindex(line, encoding, range.start.character, false)
  local last = vim.str_byteindex(line, encoding, range['end'].character, false)
  local typed = anchor.before:sub(first + 1)
  if
    range.start.line == anchor.row
    and range['end'].line == anchor.row
    and last >= #anchor.before
    and vim.startswith(text, typed)
  then
    return { text = text:sub(#typed + 1), covers = last - #anchor.before }
  end
end

--- What is left of an item at the cursor; nil where it does not hold any more, or nothing is left.
---@param anchor dgemma.Anchor
---@param item dgemma.Item
---@return string?
function M.rest(anchor, item)
  local row, col, line = cursor()
  local column = #anchor.before
  if
    api.nvim_get_current_buf() ~= anchor.buf
    or row < anchor.row
    or (row == anchor.row and col < column)
    or line:sub(col + 1) ~= anchor.after
  then
    return
  end
  local first_line = api.nvim_buf_get_lines(anchor.buf, anchor.row, anchor.row + 1, true)[1]
  if first_line:sub(1, column) ~= anchor.before then
    return
  end
  local typed =
    table.concat(api.nvim_buf_get_text(anchor.buf, anchor.row, column, row, col, {}), '\n')
  if #typed < #item.text and vim.startswith(item.text, typed) then
    return item.text:sub(#typed + 1)
  end
end

--- The first word of a text, with the blanks and line ends before it.
---@param text string
---@return string
function M.first_word(text)
  local word = vim.fn.matchstr(text, [[^\_s*\%(\k\+\|\%(\k\@!\S\)\+\)]])
  return word ~= '' and word or text
end

--- The first line of a text that is not empty, without its line end.
---@param text string
---@return string
function M.first_line(text)
  return (text:match('^\n*[^\n]*'))
end

return M
