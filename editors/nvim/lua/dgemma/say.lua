--- One line for the user.

local api = vim.api

local namespace = api.nvim_create_namespace('dgemma.say')

--- Shows a line behind the cursor's until the next key.
---@param line string
local function show_behind_cursor(line)
  local buf = api.nvim_get_current_buf()
  local function clear()
    api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  end
  clear()
  api.nvim_buf_set_extmark(buf, namespace, api.nvim_win_get_cursor(0)[1] - 1, 0, {
    virt_text = { { line, 'DgemmaHint' } },
    virt_text_pos = 'eol',
    hl_mode = 'combine',
  })
  api.nvim_create_autocmd({ 'CursorMovedI', 'TextChangedI', 'InsertLeave', 'BufLeave' }, {
    group = api.nvim_create_augroup('dgemma.say', {}),
    buf = buf,
    callback = clear,
  })
end

--- Cuts a message to what fits on the command line: a longer one would have to be confirmed with a key.
---@param message string
---@param level integer? Of |vim.log.levels|; INFO where it is nil.
return function(message, level)
  local line = 'dgemma: ' .. message:gsub('%s+', ' ')
  if vim.fn.strdisplaywidth(line) > vim.v.echospace then
    line = vim.fn.strcharpart(line, 0, vim.v.echospace - 1) .. '…'
  end
  vim.notify(line, level or vim.log.levels.INFO)
  -- Neovim writes the name of the mode over what it has just echoed.
  if vim.o.showmode and vim.startswith(api.nvim_get_mode().mode, 'i') then
    show_behind_cursor(line)
  end
end
