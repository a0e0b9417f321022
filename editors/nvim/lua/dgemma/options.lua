--- The plug-in's options: `vim.g.dgemma` over the defaults.

local M = {}

---@class dgemma.Keys In Insert mode; false for no key.
---@field accept string|false
---@field accept_word string|false
---@field accept_line string|false
---@field suggest string|false
---@field next string|false
---@field previous string|false
---@field dismiss string|false

---@class dgemma.Options
---@field cmd string[]? The server's command line; where it is nil the server is searched for.
---@field debounce_ms integer How long after the last key an automatic request is sent.
---@field keys dgemma.Keys

---@type dgemma.Options
local defaults = {
  cmd = nil,
  debounce_ms = 100,
  keys = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-C-Right>',
    suggest = '<M-Bslash>',
    next = '<M-]>',
    previous = '<M-[>',
    dismiss = '<C-]>',
  },
}

---@param value any
---@return boolean
local function is_key(value)
  return value == false or type(value) == 'string'
end

---@return string[] problems What in `vim.g.dgemma` cannot be used, a line for each.
function M.problems()
  local given = vim.g.dgemma or {}
  if type(given) ~= 'table' then
    return { 'vim.g.dgemma is not a table' }
  end
  local problems = {} ---@type string[]
  local expected = { cmd = 'table', debounce_ms = 'number', keys = 'table' }
  for name, value in vim.spairs(given) do
    if not expected[name] then
      table.insert(problems, ('vim.g.dgemma.%s is no option'):format(name))
    elseif type(value) ~= expected[name] then
      table.insert(problems, ('vim.g.dgemma.%s is not a %s'):format(name, expected[name]))
    end
  end
  for name, key in vim.spairs(type(given.keys) == 'table' and given.keys or {}) do
    if defaults.keys[name] == nil then
      table.insert(problems, ('vim.g.dgemma.keys.%s is no option'):format(name))
    elseif not is_key(key) then
      table.insert(problems, ('vim.g.dgemma.keys.%s is neither a key nor false'):format(name))
    end
  end
  return problems
end

--- The options in force: what cannot be used of `vim.g.dgemma` has its default.
---@return dgemma.Options
function M.get()
  local given = type(vim.g.dgemma) == 'table' and vim.g.dgemma or {}
  local keys = vim.deepcopy(defaults.keys)
  for name, key in pairs(type(given.keys) == 'table' and given.keys or {}) do
    if keys[name] ~= nil and is_key(key) then
      keys[name] = key
    end
  end
  return {
    cmd = type(given.cmd) == 'table' and given.cmd or nil,
    debounce_ms = type(given.debounce_ms) == 'number' and given.debounce_ms or defaults.debounce_ms,
    keys = keys,
  }
end

return M
