--- The instruction of a rewrite, asked for where a command has none.

local api = vim.api
local say = require('dgemma.say')

local M = {}

local namespace = api.nvim_create_namespace('dgemma.prompt')

--- Asks for an instruction, with a history, while what it is about is highlighted.
---@param range dgemma.Range Of the present buffer.
---@param on_words fun(words: string) Not called where there are none, or the buffer has changed meanwhile.
function M.ask(range, on_words)
  local buf = api.nvim_get_current_buf()
  local tick = api.nvim_buf_get_changedtick(buf)
  api.nvim_buf_set_extmark(buf, namespace, range.row, range.col, {
    end_row = range.end_row,
    end_col = range.end_col,
    hl_group = 'Visual',
  })
  vim.cmd.redraw()
  vim.ui.input({ prompt = 'Rewrite: ' }, function(words)
    if api.nvim_buf_is_valid(buf) then
      api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
    end
    words = vim.trim(words or '')
    if words == '' then
      return
    elseif api.nvim_get_current_buf() ~= buf or api.nvim_buf_get_changedtick(buf) ~= tick then
      say('the text has changed meanwhile; nothing was rewritten', vim.log.levels.WARN)
    else
      on_words(words)
    end
  end)
end

return M
