--- The server's program: where it is searched for, and how it is run.

local M = {}

local NAME = 'dgemma-lsp'

--- The places off `PATH` where installers, and the README, put the program.
---@return string[]
function M.places()
  local data = vim.env.XDG_DATA_HOME or vim.fs.joinpath(vim.env.HOME, '.local/share')
  local pipx = vim.env.PIPX_HOME or vim.fs.joinpath(data, 'pipx')
  -- This file, with links followed: a plug-in that is linked from a clone stands in the clone.
  local here = assert(vim.uv.fs_realpath(debug.getinfo(1, 'S').source:sub(2)))
  local clone = vim.fs.joinpath(vim.fs.dirname(here), '../../../..')
  return {
    vim.fs.joinpath(vim.env.HOME, '.local/bin', NAME),
    vim.fs.joinpath(pipx, 'venvs', NAME, 'bin', NAME),
    vim.fs.joinpath(data, 'uv/tools', NAME, 'bin', NAME),
    vim.fs.normalize(vim.fs.joinpath(clone, '.venv/bin', NAME)),
  }
end

--- The program: the one on `PATH`, else the first of `places` that is there; its bare name where none is.
---@return string
function M.find()
  if vim.fn.executable(NAME) == 1 then
    return NAME
  end
  return vim.iter(M.places()):find(function(place)
    return vim.fn.executable(place) == 1
  end) or NAME
end

--- The server's command line without what makes it serve; nil where it is a function of the user's.
---@return string[]?
function M.command()
  local command = vim.lsp.config.dgemma.cmd
  if type(command) ~= 'table' then
    return nil
  end
  return vim.tbl_filter(function(word)
    return word ~= '--stdio'
  end, command)
end

--- The name of the program that is not there; nil where it is, or cannot be known.
---@return string?
function M.missing()
  local command = M.command()
  return command and vim.fn.executable(command[1]) == 0 and command[1] or nil
end

--- Runs the program for something else than serving, such as `host log`.
---@param arguments string[]
---@param on_exit fun(result: vim.SystemCompleted)
---@return string? problem
function M.run(arguments, on_exit)
  local command = M.command()
  if not command then
    return 'the program is not known, as `cmd` is a function'
  end
  local words = vim.list_extend(command, arguments)
  local started = pcall(vim.system, words, { text = true }, vim.schedule_wrap(on_exit))
  return not started and words[1] .. ' cannot be run; see :checkhealth dgemma' or nil
end

return M
