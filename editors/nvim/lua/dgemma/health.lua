--- `:checkhealth dgemma`.

local health = vim.health

local M = {}

---@return boolean found
local function check_program()
  local command = vim.lsp.config.dgemma.cmd
  if type(command) ~= 'table' then
    health.info('`cmd` is a function; whether it finds the server is not checked')
    return false
  end
  local path = vim.fn.exepath(command[1])
  if path == '' then
    health.error('`' .. command[1] .. '` is not executable', {
      'Install it: `pipx install dgemma-lsp`',
      "Or name it: `vim.lsp.config('dgemma', { cmd = { '/path/to/dgemma-lsp', '--stdio' } })`",
    })
    return false
  end
  health.ok('The server is `' .. path .. '`')
  return true
end

local function check_clients()
  local clients = vim.lsp.get_clients({ name = 'dgemma' })
  if #clients == 0 then
    health.warn('The server is not running', {
      vim.lsp.is_enabled('dgemma') and 'Open a file whose type Neovim knows, then check again'
        or "It is switched off; `vim.lsp.enable('dgemma')` switches it on",
    })
  end
  for _, client in ipairs(clients) do
    local buffers = #vim.tbl_keys(client.attached_buffers)
    health.ok(('The server runs for %s, in %d buffer(s)'):format(client.root_dir or 'single files', buffers))
    for _, line in ipairs(require('dgemma.status').ask(client)) do
      health.info(line)
    end
  end
end

local function check_key()
  local key = require('dgemma').options().accept
  if key then
    health.info('`' .. key .. '` accepts a suggestion in Insert mode')
  else
    health.info('No key accepts a suggestion; map one to `require("dgemma").accept()`')
  end
end

function M.check()
  health.start('dgemma')
  if vim.fn.has('nvim-0.12') == 0 then
    health.error('Neovim 0.12 or newer is needed, which has inline completion')
    return
  end
  if check_program() then
    check_clients()
  end
  check_key()
end

return M
