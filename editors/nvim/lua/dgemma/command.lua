--- The command `:Dgemma`.

local inline = require('dgemma.inline')
local program = require('dgemma.program')
local say = require('dgemma.say')
local status = require('dgemma.status')

local M = {}

---@class dgemma.Arguments
---@field bang boolean Of `restart`: the engine host as well, so that the model is loaded anew.
---@field scope string? Of `enable`, `disable` and `toggle`: `buffer`, or all where it is nil.

---@return vim.lsp.Client[]
local function clients()
  return vim.lsp.get_clients({ name = 'dgemma' })
end

--- Says that no server runs, and why as far as that is known.
local function say_not_running()
  local missing = program.missing()
  if missing then
    say(missing .. ' is not installed; see :checkhealth dgemma', vim.log.levels.WARN)
  elseif not vim.lsp.is_enabled('dgemma') then
    say("switched off; vim.lsp.enable('dgemma') switches it on", vim.log.levels.WARN)
  else
    say('no server runs, as no file is open that it could serve', vim.log.levels.WARN)
  end
end

local function restart_server()
  if #clients() > 0 then
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
    say_not_running()
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
  local client = vim.lsp.get_clients({ name = 'dgemma', bufnr = 0 })[1] or clients()[1]
  if client then
    local off = inline.is_enabled(vim.api.nvim_get_current_buf()) and '' or 'off in this buffer; '
    say(off .. status.line(client))
  else
    say_not_running()
  end
end

--- Shows all that is known in a small window that the next motion closes.
local function show_status()
  local lines = {} ---@type string[]
  for _, client in ipairs(clients()) do
    table.insert(lines, 'dgemma for ' .. (client.root_dir or 'single files'))
    vim.list_extend(lines, status.describe(client))
  end
  if #lines == 0 then
    say_not_running()
    return
  end
  local enabled = inline.is_enabled(vim.api.nvim_get_current_buf())
  table.insert(
    lines,
    enabled and 'unasked suggestions are on here' or 'unasked suggestions are off here'
  )
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
    if arguments.scope == 'buffer' then
      vim.b[buf].dgemma_enabled = switch(inline.is_enabled(buf))
    else
      vim.g.dgemma_enabled = switch(vim.g.dgemma_enabled ~= false)
    end
    inline.stop()
    vim.cmd.redrawstatus()
    local where = arguments.scope == 'buffer' and ' in this buffer' or ''
    if inline.is_enabled(buf) then
      say('suggestions are on' .. where)
    elseif where == '' and vim.g.dgemma_enabled ~= false then
      say('suggestions are on, but off in this buffer; `:Dgemma enable buffer` changes that')
    else
      say('suggestions are off' .. where .. '; `:Dgemma suggest` still asks for one')
    end
  end
end

---@type table<string, fun(arguments: dgemma.Arguments)>
local commands = {
  disable = switching(function()
    return false
  end),
  enable = switching(function()
    return true
  end),
  log = log,
  restart = restart,
  status = show_status,
  suggest = inline.suggest,
  toggle = switching(function(now)
    return not now
  end),
}

local names = vim.tbl_keys(commands)
table.sort(names)

local SCOPED = { disable = true, enable = true, toggle = true }

---@param words string[]
---@param bang boolean
function M.run(words, bang)
  local name, scope = words[1], words[2]
  if not name then
    report()
  elseif not commands[name] then
    say(
      ('no such command: %s; there are %s'):format(name, table.concat(names, ', ')),
      vim.log.levels.ERROR
    )
  elseif #words > 2 or (scope and not (SCOPED[name] and scope == 'buffer')) then
    say(('`%s` does not take that'):format(name), vim.log.levels.ERROR)
  else
    commands[name]({ bang = bang, scope = scope })
  end
end

--- What can follow on the command line.
---@param typed string The word that is being typed.
---@param line string The command line up to the cursor.
---@return string[]
function M.complete(typed, line)
  local name = line:match('^%S+%s+(%S+)%s')
  local words = name and (SCOPED[name] and { 'buffer' } or {}) or names
  return vim.tbl_filter(function(word)
    return vim.startswith(word, typed)
  end, words)
end

return M
