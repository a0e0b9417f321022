--- Lines of virtual text broken into rows as the present window breaks the lines of a buffer: Neovim cuts them off.

local api = vim.api

local M = {}

---@alias dgemma.Chunk [string, string?] A text and its highlight group, as virtual text has them.

local UNBROKEN = 1000000

--- How wide a row is; in a window without 'wrap' wider than any line.
---@return integer
function M.width()
  if not vim.wo.wrap then
    return UNBROKEN
  end
  local window = vim.fn.getwininfo(api.nvim_get_current_win())[1]
  return math.max(window.width - window.textoff, 1)
end

--- A text with blanks in place of its tabs, which virtual text does not align.
---@param text string
---@param column integer Of the line, where the text begins.
---@return string
local function without_tabs(text, column)
  local drawn = ''
  for part, tab in text:gmatch('([^\t]*)(\t?)') do
    drawn = drawn .. part
    if tab ~= '' then
      local width = vim.fn.strdisplaywidth(drawn, column)
      drawn = drawn .. (' '):rep(vim.fn.strdisplaywidth('\t', column + width))
    end
  end
  return drawn
end

--- A line without tabs, and its width.
---@param chunks dgemma.Chunk[]
---@param column integer Of the line, where it begins.
---@return dgemma.Chunk[] chunks, integer width
function M.laid_out(chunks, column)
  local drawn, width = {}, 0 ---@type dgemma.Chunk[], integer
  for _, chunk in ipairs(chunks) do
    local text = without_tabs(chunk[1], column + width)
    width = width + vim.fn.strdisplaywidth(text, column + width)
    table.insert(drawn, { text, chunk[2] })
  end
  return drawn, width
end

--- The rows of a line.
---@param chunks dgemma.Chunk[]
---@param column integer Of the line, where it begins.
---@return dgemma.Chunk[][]
function M.of(chunks, column)
  local width = M.width()
  local drawn, total = M.laid_out(chunks, column)
  local used = column % width
  if used + total <= width then
    return { drawn }
  end
  local rows = { {} } ---@type dgemma.Chunk[][]
  for _, chunk in ipairs(drawn) do
    local begun = ''
    for _, character in ipairs(vim.fn.split(chunk[1], '\\zs')) do
      local wide = vim.fn.strdisplaywidth(character)
      if used + wide > width then
        table.insert(rows[#rows], { begun, chunk[2] })
        table.insert(rows, {})
        begun, used = '', 0
      end
      begun, used = begun .. character, used + wide
    end
    table.insert(rows[#rows], { begun, chunk[2] })
  end
  return rows
end

return M
