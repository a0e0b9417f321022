--- Draws what a rewrite reads while it is being denoised, over the text that it will replace.

local api = vim.api
local hunk = require('dgemma.hunks.hunk')
local rows = require('dgemma.hunks.rows')

local M = {}

local CERTAIN, UNCERTAIN = 0.1, 1.0 -- Nats; the same as in `dgemma-lsp fill --watch`.

api.nvim_set_hl(0, 'DgemmaCertain', { link = 'DiagnosticOk', default = true })
api.nvim_set_hl(0, 'DgemmaUnsure', { link = 'DiagnosticWarn', default = true })
api.nvim_set_hl(0, 'DgemmaUncertain', { link = 'DiagnosticError', default = true })

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

--- Draws a line over one of the buffer, which is as wide or is covered.
---@param buf integer
---@param namespace integer
---@param row integer
---@param col integer From where on it is covered.
---@param chunks dgemma.Chunk[]
---@return dgemma.Chunk[][] # The rows that did not fit over it.
local function cover(buf, namespace, row, col, chunks)
  local line = hunk.line_at(buf, row)
  local column = vim.fn.strdisplaywidth(line:sub(1, col))
  local covered = vim.fn.strdisplaywidth(line:sub(col + 1), column)
  local _, width = rows.laid_out(chunks, column)
  table.insert(chunks, { (' '):rep(covered - width) })
  local drawn, wide = rows.of(chunks, column), rows.width()
  -- The line is broken into rows, too: over it lie as many as there are from `col` on.
  local skipped = math.floor(column / wide)
  local own = math.max(math.ceil((column + covered) / wide), 1) - skipped
  for i = 1, math.min(own, #drawn) do
    local at = i == 1 and col or vim.fn.virtcol2col(0, row + 1, (skipped + i - 1) * wide + 1) - 1
    api.nvim_buf_set_extmark(buf, namespace, row, at, {
      virt_text = drawn[i],
      virt_text_pos = 'overlay',
      hl_mode = 'replace', -- Or it would look like the text below it, with its bold keywords.
    })
  end
  return vim.list_slice(drawn, own + 1)
end

--- Draws a draft in place of a text, in the present window's buffer. Whoever draws owns the namespace, and clears it.
---@param buf integer
---@param namespace integer
---@param range dgemma.Range What it stands in place of; below its line where it is empty.
---@param pieces [string, number][]
function M.draw(buf, namespace, range, pieces)
  local lines = lines_of(pieces)
  local last = hunk.line_at(buf, range.end_row)
  local height = range.end_row - range.row + 1
  if range.row == range.end_row and range.col == range.end_col then
    table.insert(lines[1], 1, { last:match('^%s*') })
    height = 0
  else
    -- What stands behind the selection stands behind the draft.
    table.insert(lines[#lines], { last:sub(range.end_col + 1) })
  end
  for i = 1, math.max(height, 1) do
    local row = range.row + i - 1
    local below = {} ---@type dgemma.Chunk[][]
    if height > 0 then
      below = cover(buf, namespace, row, i == 1 and range.col or 0, lines[i] or {})
    end
    if row == range.end_row then
      for _, line in ipairs(vim.list_slice(lines, height + 1)) do
        vim.list_extend(below, rows.of(line, 0))
      end
    end
    if #below > 0 then
      api.nvim_buf_set_extmark(buf, namespace, row, 0, {
        virt_lines = below,
        virt_lines_overflow = 'scroll',
      })
    end
  end
end

return M
