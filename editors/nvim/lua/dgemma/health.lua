--- `:checkhealth dgemma`, and what is said of its findings when the first file is opened.

local clients = require('dgemma.client')
local options = require('dgemma.options')
local program = require('dgemma.program')
local say = require('dgemma.say')

local health = vim.health

local M = {}

--- Says in a line what keeps the plug-in from working as it is set up.
function M.warn()
  local missing = program.missing()
  local problem = missing and missing .. ' is not installed' or options.problems()[1]
  if problem then
    say(problem .. '; see :checkhealth dgemma', vim.log.levels.WARN)
  end
end

local function check_options()
  for _, problem in ipairs(options.problems()) do
    health.warn(problem, 'See :help g:dgemma')
  end
end

---@return boolean found
local function check_program()
  local command = program.command()
  if not command then
    health.info('`cmd` is a function; whether it finds the server is not checked')
    return true
  end
  local path = vim.fn.exepath(command[1])
  if path ~= '' then
    health.ok('The server is `' .. path .. '`')
    return true
  end
  health.error('`' .. command[1] .. '` is not executable', {
    'Install the server as the README of the repository says',
    'It was searched for on PATH and at ' .. table.concat(program.places(), ', '),
    "Where it is elsewhere, name it: `vim.g.dgemma = { cmd = { '/path/to/dgemma-lsp', '--stdio' } }`",
    'Then `:Dgemma restart`',
  })
  return false
end

local function check_clients()
  local running = clients.all()
  if #running == 0 then
    health.warn('The server is not running', {
      vim.lsp.is_enabled('dgemma')
          and 'Open a file whose type Neovim knows, then check again; `:Dgemma restart` where it has ended'
        or "It is switched off; `vim.lsp.enable('dgemma')` switches it on",
    })
  end
  for _, client in ipairs(running) do
    local buffers = #vim.tbl_keys(client.attached_buffers)
    health.ok(
      ('The server runs for %s, in %d buffer(s)'):format(client.root_dir or 'single files', buffers)
    )
    for _, line in ipairs(require('dgemma.status').describe(client)) do
      health.info(line)
    end
  end
end

---@param keys table<string, dgemma.Key>
local function check_keys(keys)
  for name, key in vim.spairs(keys) do
    health.info(('%s: %s'):format(name:gsub('_', ' '), key and '`' .. key .. '`' or 'no key'))
  end
end

function M.check()
  health.start('dgemma')
  if vim.fn.has('nvim-0.12') == 0 then
    health.error('Neovim 0.12 or newer is needed')
    return
  end
  check_options()
  if check_program() then
    check_clients()
  end
  health.start('dgemma: keys of Insert mode')
  check_keys(options.get().keys)
  health.start('dgemma: keys of Normal mode')
  check_keys(options.get().normal_keys)
  health.start('dgemma: keys while a rewrite is on the screen')
  check_keys(options.get().review_keys)
end

return M
