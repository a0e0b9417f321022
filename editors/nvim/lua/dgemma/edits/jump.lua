--- Goes to where an edit is.

local api = vim.api
local say = require('dgemma.say')

--- Leaves a place in the jumplist to come back to. In another buffer Insert mode ends.
---@param edit dgemma.Edit
---@return boolean gone
return function(edit)
  vim.cmd.normal({ "m'", bang = true })
  if edit.buf ~= api.nvim_get_current_buf() then
    vim.cmd.stopinsert()
    local window = vim.fn.bufwinid(edit.buf)
    local there, problem = pcall(function()
      if window ~= -1 then
        api.nvim_set_current_win(window)
      else
        vim.cmd.buffer(edit.buf)
      end
    end)
    if not there then
      -- Without the place in this plug-in, as Neovim itself would say it.
      say(tostring(problem):gsub('^.-Vim%b():', ''), vim.log.levels.ERROR)
      return false
    end
  end
  api.nvim_win_set_cursor(0, { edit.row + 1, edit.col })
  vim.cmd.normal({ 'zv', bang = true })
  return true
end
