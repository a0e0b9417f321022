--- The command `:Dgemma`.

local clients = require('dgemma.client')
local edits = require('dgemma.edits')
local inline = require('dgemma.inline')
local program = require('dgemma.program')
local say = require('dgemma.say')
local status = require('dgemma.status')

local M = {}

---@class dgemma.Arguments
---@field bang boolean Of `restart`: the engine host as well, so that the model is loaded anew.
---@field word string? One of the words that the command takes.
---@field rest string What stands behind the command's name.
---@field command vim.api.keyset.create_user_command.command_args

---@class dgemma.Command
---@field run fun(arguments: dgemma.Arguments)
---@field words string[]? What it takes, at most one of them.
---@field free boolean? It takes any words.

local function restart_server()
  if #clients.all() > 0 then
    vim.cmd.lsp('restart', 'dgemma')
  else
    -- It has ended or never started: the program is searched for anew, and enabling attaches it to the buffers that
    -- are open.
    vim.lsp.config('dgemma', {})
    vim.lsp.enable('dgemma', false)
    vim.lsp.enable('dgemma')
  end
end

---@param arguments dgemma.Arguments
local function restart(arguments)
  if program.missing() then
    vim.lsp.config('dgemma', {}) -- It may have been installed meanwhile.
  end
  if program.missing() then
    clients.say_absence()
  elseif not arguments.bang then
    restart_server()
    say('the server starts anew')
  else
    local problem = program.run({ 'host', 'stop' }, function(result)
      if result.code ~= 0 then
        say('the engine host did not stop: ' .. vim.trim(result.stderr), vim.log.levels.WARN)
      end
      restart_server()
      say('the server and the engine host start anew; the model is loaded again')
    end)
    if problem then
      say(problem, vim.log.levels.ERROR)
    end
  end
end

local function log()
  local problem = program.run({ 'host', 'log' }, function(result)
    if result.code ~= 0 then
      say(vim.trim(result.stderr), vim.log.levels.ERROR)
      return
    end
    vim.cmd.new()
    vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.split(vim.trim(result.stdout), '\n'))
    vim.bo.buftype = 'nofile'
    vim.bo.bufhidden = 'wipe'
    vim.bo.modifiable = false
    vim.cmd.normal({ 'G', bang = true })
  end)
  if problem then
    say(problem, vim.log.levels.ERROR)
  end
end

--- Says in a line how the server of the buffer fares.
local function report()
  local client = clients.here()
  if client then
    local off = inline.is_enabled(vim.api.nvim_get_current_buf()) and '' or 'off in this buffer; '
    say(off .. status.line(client))
  end
end

--- Shows all that is known in a small window that the next motion closes.
local function show_status()
  local lines = {} ---@type string[]
  for _, client in ipairs(clients.all()) do
    table.insert(lines, 'dgemma for ' .. (client.root_dir or 'single files'))
    vim.list_extend(lines, status.describe(client))
  end
  if #lines == 0 then
    clients.say_absence()
    return
  end
  local buf = vim.api.nvim_get_current_buf()
  local inserted = inline.is_enabled(buf) and 'on' or 'off'
  local edited = edits.is_enabled(buf) and 'on' or 'off'
  table.insert(lines, ('here, unasked: suggestions are %s, edits are %s'):format(inserted, edited))
  vim.lsp.util.open_floating_preview(
    lines,
    '',
    { focus_id = 'dgemma', border = 'rounded', max_width = vim.o.columns - 4 }
  )
end

--- Switches unasked suggestions on or off, and says how that leaves the buffer.
---@param switch fun(now: boolean): boolean
---@return fun(arguments: dgemma.Arguments)
local function switching(switch)
  return function(arguments)
    local buf = vim.api.nvim_get_current_buf()
    if arguments.word == 'buffer' then
      vim.b[buf].dgemma_enabled = switch(inline.is_enabled(buf))
    else
      vim.g.dgemma_enabled = switch(vim.g.dgemma_enabled ~= false)
    end
    inline.stop()
    vim.cmd.redrawstatus()
    local where = arguments.word == 'buffer' and ' in this buffer' or ''
    if inline.is_enabled(buf) then
      say('suggestions are on' .. where)
    elseif where == '' and vim.g.dgemma_enabled ~= false then
      say('suggestions are on, but off in this buffer; `:Dgemma enable buffer` changes that')
    else
      say('suggestions are off' .. where .. '; `:Dgemma suggest` still asks for one')
    end
  end
end

---@param arguments dgemma.Arguments
local function rewrite(arguments)
  local range = require('dgemma.rewrite.selection').of_command(arguments.command)
  require('dgemma.rewrite').ask(range, arguments.rest)
end

--- Switches edits that come unasked, or asks for one.
---@param arguments dgemma.Arguments
local function edit(arguments)
  if arguments.word == 'suggest' then
    edits.suggest()
    return
  elseif arguments.word then
    vim.g.dgemma_edits = arguments.word == 'on'
    edits.hide()
  end
  local buf = vim.api.nvim_get_current_buf()
  local on = edits.is_enabled(buf)
  local rest = inline.is_enabled(buf) and '' or ', as suggestions are off; see :Dgemma enable'
  say(('edits are%s suggested unasked here%s'):format(on and '' or ' not', rest))
end

local SCOPE = { 'buffer' }

---@type table<string, dgemma.Command>
local commands = {
  disable = {
    words = SCOPE,
    run = switching(function()
      return false
    end),
  },
  edits = { run = edit, words = { 'on', 'off', 'suggest' } },
  enable = {
    words = SCOPE,
    run = switching(function()
      return true
    end),
  },
  log = { run = log },
  restart = { run = restart },
  rewrite = { run = rewrite, free = true },
  status = { run = show_status },
  suggest = { run = inline.suggest },
  toggle = {
    words = SCOPE,
    run = switching(function(now)
      return not now
    end),
  },
}

local names = vim.tbl_keys(commands)
table.sort(names)

---@param command vim.api.keyset.create_user_command.command_args
function M.run(command)
  local name, rest = command.args:match('^(%S*)%s*(.-)%s*$')
  local chosen = commands[name]
  if name == '' then
    report()
  elseif not chosen then
    say(('no such command: %s; :help :Dgemma names them'):format(name), vim.log.levels.ERROR)
  elseif rest ~= '' and not chosen.free and not vim.list_contains(chosen.words or {}, rest) then
    local taken = chosen.words and table.concat(chosen.words, ', ') .. ' or nothing' or 'nothing'
    say(('`:Dgemma %s` takes %s'):format(name, taken), vim.log.levels.ERROR)
  else
    chosen.run({
      bang = command.bang,
      word = rest ~= '' and rest or nil,
      rest = rest,
      command = command,
    })
  end
end

--- What can follow on the command line.
---@param typed string The word that is being typed.
---@param line string The command line up to the cursor.
---@return string[]
function M.complete(typed, line)
  local name = line:match('^%S+%s+(%S+)%s')
  local words = names
  if name then
    words = commands[name] and commands[name].words or {}
  end
  return vim.tbl_filter(function(word)
    return vim.startswith(word, typed)
  end, words)
end

return M
