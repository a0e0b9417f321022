--- Draws what is suggested at the cursor, as text that is not in the buffer.

local api = vim.api

local M = {}

local namespace = api.nvim_create_namespace('dgemma')
local GROUP = 'DgemmaSuggestion'

api.nvim_set_hl(0, GROUP, { link = 'Comment', default = true })

---@param buf integer
function M.hide(buf)
  if api.nvim_buf_is_valid(buf) then
    api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  end
end

--- The lines that a suggestion is drawn as, and how the first of them lies on what is to the right of the cursor.
---@param text string
---@param right string What is to the right.
---@param covers integer How many bytes of that it replaces.
---@return [string, string][][] lines, 'inline'|'overlay' position
local function layout(text, right, covers)
  local lines = {} ---@type [string, string][][]
  for line in vim.gsplit(text, '\n', { plain = true }) do
    table.insert(lines, { { line, GROUP } })
  end
  if right == '' or (#lines == 1 and covers == 0) then
    return lines, 'inline'
  end
  -- What is kept of the text to the right will stand behind the last line: it is drawn there, and covered here.
  table.insert(lines[#lines], { right:sub(covers + 1) })
  local column = vim.fn.virtcol('.') - 1
  local drawn = vim.iter(lines[1]):fold('', function(all, chunk)
    return all .. chunk[1]
  end)
  local missing = vim.fn.strdisplaywidth(right, column) - vim.fn.strdisplaywidth(drawn, column)
  table.insert(lines[1], { (' '):rep(missing) })
  return lines, 'overlay'
end

--- Draws a suggestion in the current buffer in place of what is drawn there.
---@param text string
---@param covers integer How many bytes to the right of the cursor it replaces.
---@param hint string? What to say behind the line, such as `2/3`.
function M.show(text, covers, hint)
  local buf = api.nvim_get_current_buf()
  local row, col = unpack(api.nvim_win_get_cursor(0))
  local right = api.nvim_get_current_line():sub(col + 1)
  local lines, position = layout(text, right, covers)
  M.hide(buf)
  api.nvim_buf_set_extmark(buf, namespace, row - 1, col, {
    virt_text = table.remove(lines, 1),
    virt_text_pos = position,
    virt_lines = lines,
    -- Not combined with what is there: matching brackets around the cursor would make it look like typed text.
    hl_mode = 'replace',
  })
  if hint then
    api.nvim_buf_set_extmark(buf, namespace, row - 1, col, {
      virt_text = { { hint, GROUP } },
      virt_text_pos = 'eol',
      hl_mode = 'combine',
    })
  end
end

return M
