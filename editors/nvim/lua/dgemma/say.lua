--- One line for the user.

local api = vim.api

--- Shows a message at the cursor until the next key.
---@param message string
local function show_at_cursor(message)
  local options = { border = 'rounded', focusable = false, max_width = vim.o.columns - 4 }
  vim.lsp.util.open_floating_preview({ message }, '', options)
end

--- Cuts a message to what fits on the command line, as a longer one would have to be confirmed with a key, and shows
--- all of it at the cursor instead. In Insert mode it is shown there anyway: Neovim writes the name of the mode over
--- what it has just echoed.
---@param message string
---@param level integer? Of |vim.log.levels|; INFO where it is nil.
return function(message, level)
  local line = 'dgemma: ' .. message:gsub('%s+', ' ')
  local cut = vim.fn.strdisplaywidth(line) > vim.v.echospace
  local echoed = cut and vim.fn.strcharpart(line, 0, vim.v.echospace - 1) .. '…' or line
  vim.notify(echoed, level or vim.log.levels.INFO)
  local covered = vim.o.showmode and vim.startswith(api.nvim_get_mode().mode, 'i')
  -- The command-line window lets no other be opened.
  if (cut or covered) and vim.fn.getcmdwintype() == '' then
    show_at_cursor(line)
  end
end
