--- Draws what hunks would change: what goes is highlighted where it stands, what comes is drawn beside or below it.
---
--- Whoever draws owns the namespace, and clears it.

local api = vim.api
local rows = require('dgemma.hunks.rows')

local M = {}

local REMOVED, ADDED = 'DgemmaRemoved', 'DgemmaAdded'

api.nvim_set_hl(0, REMOVED, { link = 'DiffDelete', default = true })
api.nvim_set_hl(0, ADDED, { link = 'DiffAdd', default = true })

---@param lines string[]
---@return dgemma.Chunk[][]
local function added(lines)
  local drawn = {} ---@type dgemma.Chunk[][]
  for _, line in ipairs(lines) do
    -- A blank line that comes is to be seen, too.
    vim.list_extend(drawn, rows.of({ { line == '' and ' ' or line, ADDED } }, 0))
  end
  return drawn
end

---@class dgemma.Drawing
---@field removed? [integer, integer, integer, integer] From row and byte to row and byte.
---@field inline? [integer, integer, string] Row, byte, and what comes there within the line.
---@field below? [integer, string[]] Row, and whole lines that come below it; -1 above the first.

--- How a hunk is drawn.
---@param hunk dgemma.Hunk
---@param line_at fun(row: integer): string
---@return dgemma.Drawing
local function drawing(hunk, line_at)
  local row, col, end_row, end_col = hunk.row, hunk.col, hunk.end_row, hunk.end_col
  local lines = hunk.lines
  local range = (row ~= end_row or col ~= end_col) and { row, col, end_row, end_col } or nil
  local last = line_at(end_row)
  if col == 0 and end_col == 0 and lines[#lines] == '' then
    -- Whole lines, with their ends, in place of whole lines.
    return { removed = range, below = { end_row - 1, vim.list_slice(lines, 1, #lines - 1) } }
  end
  if #lines > 1 and lines[1] == '' and col == #line_at(row) and end_col == #last then
    -- Whole lines behind the end of one.
    return { removed = range, below = { end_row, vim.list_slice(lines, 2) } }
  end
  local whole = range and vim.trim(line_at(row):sub(1, col)) == '' and end_col == #last
  if row == end_row and #lines == 1 and (not whole or lines[1] == '') then
    return { removed = range, inline = { row, end_col, lines[1] } }
  end
  -- Lines that change in part are drawn anew as a whole.
  lines = vim.list_slice(lines)
  lines[1] = line_at(row):sub(1, col) .. lines[1]
  lines[#lines] = lines[#lines] .. last:sub(end_col + 1)
  local gone = #lines == 1 and lines[1] == ''
  return { removed = { row, 0, end_row, #last }, below = { end_row, gone and {} or lines } }
end

--- Draws a hunk.
---@param buf integer
---@param namespace integer
---@param hunk dgemma.Hunk
function M.draw(buf, namespace, hunk)
  ---@param row integer
  ---@return string
  local function line_at(row)
    return api.nvim_buf_get_lines(buf, row, row + 1, false)[1] or ''
  end
  local shown = drawing(hunk, line_at)
  if shown.removed then
    local row, col, end_row, end_col = unpack(shown.removed)
    api.nvim_buf_set_extmark(buf, namespace, row, col, {
      end_row = end_row,
      end_col = end_col,
      hl_group = REMOVED,
      hl_eol = true,
      priority = 200,
    })
  end
  if shown.inline and shown.inline[3] ~= '' then
    local row, col, text = unpack(shown.inline)
    local column = vim.fn.strdisplaywidth(line_at(row):sub(1, col))
    api.nvim_buf_set_extmark(buf, namespace, row, col, {
      virt_text = rows.laid_out({ { text, ADDED } }, column),
      virt_text_pos = 'inline',
      hl_mode = 'replace',
    })
  end
  if shown.below and #shown.below[2] > 0 then
    local row, lines = shown.below[1], added(shown.below[2])
    api.nvim_buf_set_extmark(buf, namespace, math.max(row, 0), 0, {
      virt_lines = lines,
      virt_lines_above = row < 0,
      virt_lines_overflow = 'scroll',
    })
    if row < 0 and buf == api.nvim_get_current_buf() and vim.fn.line('w0') == 1 then
      -- What is above the first line has to be scrolled to.
      vim.fn.winrestview({ topfill = #lines })
    end
  end
end

return M
