--- A line at the bottom of the window that says what the keys do.

local api = vim.api

local M = {}

api.nvim_set_hl(0, 'DgemmaKey', { link = 'Special', default = true })

local window ---@type integer?

function M.hide()
  if window and api.nvim_win_is_valid(window) then
    api.nvim_win_close(window, true)
  end
  window = nil
end

--- Breaks a legend into lines that fit.
---@param title string
---@param keys [string, string][] Each key, and what it does.
---@param width integer
---@return dgemma.Chunk[][]
local function laid_out(title, keys, width)
  local lines = { { { ' ' .. title } } } ---@type dgemma.Chunk[][]
  local used = vim.fn.strdisplaywidth(title) + 1
  for _, key in ipairs(keys) do
    local space = vim.fn.strdisplaywidth(key[1] .. key[2]) + 4
    if used + space > width then
      table.insert(lines, {})
      used = 0
    end
    vim.list_extend(lines[#lines], { { '  ' }, { key[1], 'DgemmaKey' }, { ' ' .. key[2] } })
    used = used + space
  end
  return lines
end

--- Shows a legend in the present window, in place of the one that is shown.
---@param title string
---@param keys [string, string][] Each key, and what it does.
function M.show(title, keys)
  M.hide()
  local width = api.nvim_win_get_width(0)
  local lines = laid_out(title, keys, width)
  local buf = api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  api.nvim_buf_set_lines(buf, 0, -1, false, vim.fn['repeat']({ '' }, #lines))
  local namespace = api.nvim_create_namespace('dgemma.legend')
  for i, line in ipairs(lines) do
    api.nvim_buf_set_extmark(
      buf,
      namespace,
      i - 1,
      0,
      { virt_text = line, virt_text_pos = 'overlay' }
    )
  end
  window = api.nvim_open_win(buf, false, {
    relative = 'win',
    anchor = 'SW',
    row = api.nvim_win_get_height(0),
    col = 0,
    width = width,
    height = #lines,
    style = 'minimal',
    border = 'none',
    focusable = false,
    noautocmd = true,
  })
end

return M
