--- One line for the user.

--- Cuts a message to what fits on the command line: a longer one would have to be confirmed with a key.
---@param message string
---@param level integer? Of |vim.log.levels|; INFO where it is nil.
return function(message, level)
  local line = 'dgemma: ' .. message:gsub('%s+', ' ')
  if vim.fn.strdisplaywidth(line) > vim.v.echospace then
    line = vim.fn.strcharpart(line, 0, vim.v.echospace - 1) .. '…'
  end
  vim.notify(line, level or vim.log.levels.INFO)
end
