--- A text that comes in place of a part of a buffer: what the protocol calls a text edit, in rows and bytes from 0.

local api = vim.api
local say = require('dgemma.say')

local M = {}

---@class dgemma.Hunk
---@field row integer
---@field col integer
---@field end_row integer
---@field end_col integer Exclusive.
---@field lines string[] What comes.

local LINE_ENDS = { dos = '\r\n', mac = '\r', unix = '\n' }

--- The lines of a text as a buffer holds them: without the line ends that its 'fileformat' stands for.
---@param buf integer
---@param text string
---@return string[]
function M.lines(buf, text)
  return vim.split(text:gsub(LINE_ENDS[vim.bo[buf].fileformat], '\n'), '\n', { plain = true })
end

---@param buf integer
---@param row integer
---@return string
function M.line_at(buf, row)
  return api.nvim_buf_get_lines(buf, row, row + 1, true)[1]
end

--- Where a position of the protocol is. The one behind the last line end has a row that the buffer does not have.
---@param buf integer
---@param position lsp.Position
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return integer row, integer col
function M.place(buf, position, encoding)
  local count = api.nvim_buf_line_count(buf)
  if position.line >= count then
    return count, 0
  end
  local line = M.line_at(buf, position.line)
  return position.line, vim.str_byteindex(line, encoding, position.character, false)
end

--- A position of the protocol.
---@param buf integer
---@param row integer
---@param col integer
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return lsp.Position
function M.position(buf, row, col, encoding)
  local line = M.line_at(buf, row)
  return { line = row, character = vim.str_utfindex(line, encoding, math.min(col, #line), false) }
end

--- Reads a text edit of the protocol.
---@param buf integer
---@param edit lsp.TextEdit
---@param encoding 'utf-8'|'utf-16'|'utf-32'
---@return dgemma.Hunk
function M.read(buf, edit, encoding)
  local row, col = M.place(buf, edit.range.start, encoding)
  local end_row, end_col = M.place(buf, edit.range['end'], encoding)
  local lines = M.lines(buf, edit.newText)
  local last = api.nvim_buf_line_count(buf) - 1
  if end_row > last then
    -- The buffer does not have the last line's end: it goes, or comes, with the end of the line before.
    if #lines > 1 and lines[#lines] == '' then
      table.remove(lines)
    elseif row <= last and row > 0 and col == 0 and edit.newText == '' then
      row, col = row - 1, #M.line_at(buf, row - 1)
    end
    if row > last then
      row, col = last, #M.line_at(buf, last)
      if edit.newText ~= '' then
        table.insert(lines, 1, '')
      end
    end
    end_row, end_col = last, #M.line_at(buf, last)
  end
  return { row = row, col = col, end_row = end_row, end_col = end_col, lines = lines }
end

--- Whether a buffer can be changed; that it cannot is said.
---@param buf integer
---@return boolean
function M.can_change(buf)
  local modifiable = vim.bo[buf].modifiable
  if not modifiable then
    say('this buffer cannot be changed', vim.log.levels.WARN)
  end
  return modifiable
end

--- Puts a text in place in the present buffer, as a change of its own to undo, and goes to its end.
---@param hunk dgemma.Hunk
function M.apply_apart(hunk)
  vim.go.undolevels = vim.go.undolevels -- Ends the block to undo; see |undo-break|.
  local row, col = M.apply(0, hunk)
  vim.go.undolevels = vim.go.undolevels
  api.nvim_win_set_cursor(0, { row + 1, col })
end

--- Puts a text in place. Returns where it ends.
---@param buf integer
---@param hunk dgemma.Hunk
---@return integer row, integer col
function M.apply(buf, hunk)
  api.nvim_buf_set_text(buf, hunk.row, hunk.col, hunk.end_row, hunk.end_col, hunk.lines)
  return M.end_of(hunk)
end

--- Where the text of a hunk ends once it is in place.
---@param hunk dgemma.Hunk
---@return integer row, integer col
function M.end_of(hunk)
  local count = #hunk.lines
  return hunk.row + count - 1, (count == 1 and hunk.col or 0) + #hunk.lines[count]
end

--- What a hunk becomes once one before it is in place.
---@param hunk dgemma.Hunk
---@param before dgemma.Hunk
---@return dgemma.Hunk
function M.moved(hunk, before)
  local last, col = M.end_of(before)
  ---@param at_row integer
  ---@param at_col integer
  ---@return integer, integer
  local function moved(at_row, at_col)
    local right = at_row == before.end_row and col - before.end_col or 0
    return at_row + last - before.end_row, at_col + right
  end
  local row, first = moved(hunk.row, hunk.col)
  local end_row, past = moved(hunk.end_row, hunk.end_col)
  return { row = row, col = first, end_row = end_row, end_col = past, lines = hunk.lines }
end

return M
