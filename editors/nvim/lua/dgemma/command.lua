--- The command `:Dgemma`.

local M = {}

---@param message string
---@param level integer
local function say(message, level)
  vim.notify('dgemma: ' .. message, level)
end

--- Runs the server's program for something else than serving, such as `host log`.
---@param arguments string[]
---@param on_exit fun(result: vim.SystemCompleted)
local function run_program(arguments, on_exit)
  local command = vim.lsp.config.dgemma.cmd
  if type(command) ~= 'table' then
    say('the program is not known, as `cmd` is a function', vim.log.levels.ERROR)
    return
  end
  local words = vim
    .iter(command)
    :filter(function(word)
      return word ~= '--stdio'
    end)
    :totable()
  local started, problem = pcall(vim.system, vim.list_extend(words, arguments), { text = true }, vim.schedule_wrap(on_exit))
  if not started then
    say(tostring(problem), vim.log.levels.ERROR)
  end
end

local function restart_server()
  local clients = vim.lsp.get_clients({ name = 'dgemma' })
  if #clients > 0 then
    vim.cmd.lsp('restart', 'dgemma')
  else
    -- It has ended or never started: enabling it again attaches it to the buffers that are open.
    vim.lsp.enable('dgemma', false)
    vim.lsp.enable('dgemma')
  end
end

---@param with_host boolean
local function restart(with_host)
  if not with_host then
    restart_server()
    return
  end
  run_program({ 'host', 'stop' }, function(result)
    if result.code ~= 0 then
      say('the engine host did not stop: ' .. vim.trim(result.stderr), vim.log.levels.WARN)
    end
    restart_server()
  end)
end

local function log()
  run_program({ 'host', 'log' }, function(result)
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
end

local function status()
  local clients = vim.lsp.get_clients({ name = 'dgemma' })
  if #clients == 0 then
    say('not running; see :checkhealth dgemma', vim.log.levels.WARN)
  end
  for _, client in ipairs(clients) do
    say(table.concat(require('dgemma.status').ask(client), '\n'), vim.log.levels.INFO)
  end
end

---@type table<string, fun(bang: boolean)>
local commands = { log = log, restart = restart, status = status }

---@param name string
---@param bang boolean Of `restart`: the engine host as well, so that the model is loaded anew.
function M.run(name, bang)
  local command = commands[name]
  if command then
    command(bang)
  else
    say('no such command: ' .. name, vim.log.levels.ERROR)
  end
end

---@param typed string
---@return string[]
function M.complete(typed)
  return vim
    .iter(vim.spairs(commands))
    :map(function(name)
      return vim.startswith(name, typed) and name or nil
    end)
    :totable()
end

return M
