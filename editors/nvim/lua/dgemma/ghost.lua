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

--- Draws a suggestion in the current buffer in place of what is drawn there.
---@param text string
---@param covers integer How many bytes to the right of the cursor it replaces.
---@param hint string? What to say behind the line, such as `2/3`.
function M.show(text, covers, hint)
  local buf = api.nvim_get_current_buf()
  local row, col = unpack(api.nvim_win_get_cursor(0))
  local right = api.nvim_get_current_line():sub(col + 1)
  local lines = vim.split(text, '\n')
  local first, last = lines[1], lines[#lines]
  local below = {} ---@type [string, string][][]
  for index = 2, #lines do
    below[index - 1] = { { lines[index], GROUP } }
  end
  local position = 'inline'
  if right ~= '' and (#lines > 1 or covers > 0) then
    -- What is to the right will stand behind the last line, so it is drawn there and covered here.
    position = 'overlay'
    local start = vim.fn.virtcol('.') - 1
    local width = vim.fn.strdisplaywidth(right, start) - vim.fn.strdisplaywidth(first, start)
    local kept = right:sub(covers + 1)
    if #lines > 1 then
      first = first .. (' '):rep(width)
      below[#below] = { { last, GROUP }, { kept } }
    else
      first = first .. kept .. (' '):rep(vim.fn.strdisplaywidth(right, start) - vim.fn.strdisplaywidth(first .. kept, start))
    end
  end
  M.hide(buf)
  api.nvim_buf_set_extmark(buf, namespace, row - 1, col, {
    virt_text = { { first, GROUP } },
    virt_text_pos = position,
    virt_lines = below,
    hl_mode = 'combine',
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
