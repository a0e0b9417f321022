--- Draws what a rewrite reads while it is being denoised, over the text that it will replace.

local api = vim.api
local preview = require('dgemma.hunks.preview')

local M = {}

local CERTAIN, UNCERTAIN = 0.1, 1.0 -- Nats; the same as in `dgemma-lsp fill --watch`.

api.nvim_set_hl(0, 'DgemmaCertain', { link = 'DiagnosticOk', default = true })
api.nvim_set_hl(0, 'DgemmaUnsure', { link = 'DiagnosticWarn', default = true })
api.nvim_set_hl(0, 'DgemmaUncertain', { link = 'DiagnosticError', default = true })

---@alias dgemma.Chunk [string, string?] A text and its highlight group, as virtual text has them.

---@param entropy number
---@return string
local function group_of(entropy)
  return entropy < CERTAIN and 'DgemmaCertain'
    or entropy <= UNCERTAIN and 'DgemmaUnsure'
    or 'DgemmaUncertain'
end

--- The lines of a draft.
---@param pieces [string, number][] Each with its entropy in nats.
---@return dgemma.Chunk[][]
local function lines_of(pieces)
  local lines = { {} } ---@type dgemma.Chunk[][]
  for _, piece in ipairs(pieces) do
    local text, entropy = unpack(piece)
    for i, part in ipairs(vim.split(text:gsub('\r', ''), '\n', { plain = true })) do
      if i > 1 then
        table.insert(lines, {})
      end
      table.insert(lines[#lines], { part, group_of(entropy) })
    end
  end
  return lines
end

--- A line without tabs, and its width.
---@param chunks dgemma.Chunk[]
---@param column integer Where it begins on the screen.
---@return dgemma.Chunk[] chunks, integer width
local function laid_out(chunks, column)
  local drawn, width = {}, 0 ---@type dgemma.Chunk[], integer
  for _, chunk in ipairs(chunks) do
    local text = preview.without_tabs(chunk[1], column + width)
    width = width + vim.fn.strdisplaywidth(text, column + width)
    table.insert(drawn, { text, chunk[2] })
  end
  return drawn, width
end

--- Draws a draft in place of a text, in the present window's buffer. Whoever draws owns the namespace, and clears it.
---@param buf integer
---@param namespace integer
---@param range dgemma.Range What it stands in place of; below its line where it is empty.
---@param pieces [string, number][]
function M.draw(buf, namespace, range, pieces)
  local lines = lines_of(pieces)
  local old = api.nvim_buf_get_lines(buf, range.row, range.end_row + 1, true)
  local below ---@type dgemma.Chunk[][]
  if range.row == range.end_row and range.col == range.end_col then
    table.insert(lines[1], 1, { old[1]:match('^%s*') })
    old, below = {}, lines
  else
    -- What stands behind the selection stands behind the draft.
    table.insert(lines[#lines], { old[#old]:sub(range.end_col + 1) })
    below = vim.list_slice(lines, #old + 1)
  end
  for i, line in ipairs(old) do
    local col = i == 1 and range.col or 0
    local column = vim.fn.strdisplaywidth(line:sub(1, col))
    local covered = vim.fn.strdisplaywidth(line:sub(col + 1), column)
    local chunks, width = laid_out(lines[i] or {}, column)
    table.insert(chunks, { (' '):rep(covered - width) })
    api.nvim_buf_set_extmark(buf, namespace, range.row + i - 1, col, {
      virt_text = chunks,
      virt_text_pos = 'overlay',
      hl_mode = 'replace', -- Or it would look like the text below it, with its bold keywords.
    })
  end
  if #below > 0 then
    api.nvim_buf_set_extmark(buf, namespace, range.end_row, 0, {
      virt_lines = vim.tbl_map(function(line)
        return (laid_out(line, 0))
      end, below),
      virt_lines_overflow = 'scroll',
    })
  end
end

return M
