--- Inline completion by dgemma-lsp, over |vim.lsp.inline_completion|.

local M = {}

---@class dgemma.Options
---@field accept string|false The key that accepts a suggestion in Insert mode, or false for none.

---@type dgemma.Options
local defaults = { accept = '<Tab>' }

---@return dgemma.Options
function M.options()
  return vim.tbl_extend('force', defaults, vim.g.dgemma or {})
end

--- Shows suggestions in a buffer and lets the accepting key take them.
---@param buf integer
function M.attach(buf)
  vim.lsp.inline_completion.enable(true, { bufnr = buf })
  require('dgemma.ghost').watch(buf)
  local key = M.options().accept
  if key then
    require('dgemma.key').map(key, M.accept, buf)
  end
end

--- Takes the suggestion on the screen, unless the completion menu is open: then the key is the menu's.
---@return boolean taken
function M.accept()
  local settled, taken = false, false
  local shown = vim.fn.pumvisible() == 0
    and vim.lsp.inline_completion.get({
      on_accept = function(item)
        local fitted = require('dgemma.ghost').fit(item)
        taken = fitted ~= nil
        return fitted
      end,
    })
  if not shown then
    return false
  end
  -- Neovim takes it a moment later. Keys that are typed ahead must not come before it.
  vim.schedule(function()
    settled = true
  end)
  vim.wait(1000, function()
    return settled
  end)
  return taken
end

--- What the server is doing, in a word or two: for a status line.
---@return string
function M.status()
  return require('dgemma.status').summary()
end

return M
